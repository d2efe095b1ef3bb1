-- A bundle that nobody took is somebody's business until it is settled; and kin are told on as many devices as they like, beside the way that they chose.
ALTER TABLE handovers
    ADD COLUMN settled_at timestamptz,                            -- told otherwise, by telephone for instance: nobody has to look at it any more
    ADD COLUMN settled_by text,
    ADD COLUMN settled_how text NOT NULL DEFAULT '';

-- One way of a gateway for each relative, and each browser that subscribed (way 'push', its endpoint's hash as reach).
DROP INDEX recipients_of_kin;
CREATE UNIQUE INDEX recipients_of_kin ON recipients (user_name, resident_id) WHERE user_name IS NOT NULL AND way <> 'push';
CREATE UNIQUE INDEX recipients_by_push ON recipients (user_name, resident_id, reach) WHERE way = 'push';
-- Who asks for the eleventh browser loses the one that subscribed longest ago.
GRANT SELECT (home_id, consented_at), UPDATE (consented_at) ON recipients TO shouwang_api;
