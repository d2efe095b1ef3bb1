-- name: take_from_outbox
-- Events to send now, the most urgent first: taken for a moment, so that the other relay leaves them; a relay that dies gives them back.
UPDATE outbox
   SET taken_until_at = %(now)s + %(take_s)s * interval '1 second'
 WHERE outbox_id IN (
       SELECT outbox_id
         FROM outbox
        WHERE sent_at IS NULL AND topic = %(topic)s AND (taken_until_at IS NULL OR taken_until_at <= %(now)s)
        ORDER BY priority, outbox_id
        LIMIT %(limit)s
          FOR UPDATE SKIP LOCKED)
RETURNING outbox_id, priority, key, value;

-- name: mark_sent
-- Kafka holds these events.
UPDATE outbox SET sent_at = %(now)s WHERE outbox_id = ANY(%(outbox_ids)s);

-- name: give_back_to_outbox
-- Kafka did not take these events: whoever comes next may try.
UPDATE outbox SET taken_until_at = NULL WHERE outbox_id = ANY(%(outbox_ids)s) AND sent_at IS NULL;

-- name: unsent_events
-- Events that were not sent yet, in order of writing.
SELECT value FROM outbox WHERE sent_at IS NULL AND topic = %(topic)s ORDER BY outbox_id LIMIT %(limit)s;

-- name: forget_sent_events
-- Sent events are kept a while for questions; the audit holds the story for good.
DELETE FROM outbox WHERE outbox_id IN (SELECT outbox_id FROM outbox WHERE sent_at < %(before)s LIMIT %(limit)s);

-- name: forget_sent_canaries
-- Events of canaries are of no use once they are told; a city's day of them would be more than its alarms.
DELETE FROM outbox WHERE outbox_id IN (SELECT outbox_id FROM outbox WHERE sent_at < %(before)s AND starts_with(key, 'canary-') LIMIT %(limit)s);
