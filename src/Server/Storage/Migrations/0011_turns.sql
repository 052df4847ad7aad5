-- The queue from which a machine took a session last: one that takes in turn goes on after it, also when that session is over.
ALTER TABLE nodes ADD COLUMN last_queue text;
