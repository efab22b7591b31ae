-- find --
-- One key.
select * from virtual_key where hash = %(hash)s

-- create --
-- Insert a key given as JSON, every column named.
insert into virtual_key
select * from jsonb_populate_record(null::virtual_key, %(key)s::jsonb)
returning *

-- update --
-- Set the columns that the JSON names, keep the others; spend may be moving at the same time.
update virtual_key k
set (name, alias, models, aliases, metadata, permissions, blocked, expires_at, max_budget_nanousd,
     user_id, team_id, organization_id, created_by, created_at, updated_at, settings) =
    (select r.name, r.alias, r.models, r.aliases, r.metadata, r.permissions, r.blocked,
            r.expires_at, r.max_budget_nanousd, r.user_id, r.team_id, r.organization_id,
            r.created_by, r.created_at, r.updated_at, r.settings
     from jsonb_populate_record(k, %(changes)s::jsonb) r),
    spend_nanousd = coalesce((%(changes)s::jsonb ->> 'spend_nanousd')::bigint, k.spend_nanousd)
where k.hash = %(hash)s
returning k.*

-- delete --
-- Delete keys, locking them in the order that the ledger does.
with doomed as (
    select hash from virtual_key where hash = any(%(hashes)s) order by hash for update
)
delete from virtual_key k using doomed d where k.hash = d.hash
returning k.hash

-- hashes_of --
-- The keys with these aliases.
select hash from virtual_key where alias = any(%(aliases)s) order by hash

-- count --
-- How many keys match; a null filter matches all.
select count(*) as total from virtual_key
where (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(key_hash)s::text is null or hash = %(key_hash)s)
  and (%(key_alias)s::text is null or alias = %(key_alias)s)

-- page --
-- The same, newest first.
select * from virtual_key
where (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(key_hash)s::text is null or hash = %(key_hash)s)
  and (%(key_alias)s::text is null or alias = %(key_alias)s)
order by created_at desc, hash desc
limit %(limit)s offset %(offset)s
