-- The server to which a machine is connected; null: to none. Others on this database leave it alone.
ALTER TABLE nodes ADD COLUMN connected_to text;
