-- What the steward, Portcullis' own account in the database, needs: to read the scoped tables with
-- the right to pass that on, to make its schema of views, to make the grants' roles (CREATEROLE).
-- Run in the resource's database by its administrator.
grant connect, create, temporary on database ":database" to steward with grant option;
grant usage on schema clinic to steward with grant option;
grant select on all tables in schema clinic to steward with grant option;
