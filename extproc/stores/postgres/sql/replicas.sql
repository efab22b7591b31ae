-- report --
-- This replica is alive; forget those that have been silent for a day.
with gone as (
    delete from gateway_replica where seen_at < now() - interval '1 day' and name <> %(name)s
)
insert into gateway_replica (name, generation, seen_at)
values (%(name)s, %(generation)s, now())
on conflict (name) do update set generation = excluded.generation, seen_at = excluded.seen_at

-- list --
-- The replicas heard of lately.
select name, generation, extract(epoch from seen_at)::float8 as seen_at
from gateway_replica
where seen_at > now() - interval '30 seconds'
order by name
