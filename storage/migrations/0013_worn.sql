-- Where a wearable is worn: falls look different at the wrist and at the waist.
ALTER TABLE devices ADD COLUMN worn text NOT NULL DEFAULT '' CHECK (worn IN ('', 'wrist', 'waist'));  -- contracts.kinds.WORN
