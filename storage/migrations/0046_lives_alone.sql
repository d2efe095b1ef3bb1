-- A family is told whether its relative lives alone, for else somebody else's steps would say that he is well; of whom he lives with it learns nothing.

-- A function of the owner's: of a couple a family sees the one that it is linked to, and would count one.
CREATE FUNCTION lives_alone(asked text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT count(*) = 1 FROM residents WHERE home_id = asked $$;
REVOKE ALL ON FUNCTION lives_alone(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lives_alone(text) TO shouwang_api;
