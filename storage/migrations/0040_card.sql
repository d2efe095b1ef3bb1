-- What a desk, and who goes to the door, must know at a glance stands in fields of its own: in a note it is missed. Null: nobody wrote it down.
ALTER TABLE residents
    ADD COLUMN conditions text,                                   -- illnesses and medicines, in words
    ADD COLUMN mobility   text CHECK (mobility IN ('walks', 'stick', 'frame', 'wheelchair', 'bed')),
    ADD COLUMN dialect    text,                                   -- what to speak with them
    ADD COLUMN oxygen     boolean;                                -- breathes from a concentrator or a bottle: no fire near it, no power cut long
ALTER TABLE homes
    ADD COLUMN key_at text,                                       -- who has one, or where it lies
    ADD COLUMN pets   text;
