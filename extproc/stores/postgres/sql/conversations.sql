-- keep --
-- Insert a response; one that is there already stays as it is.
insert into stored_response (id, owner, deployment_id, created_at, expires_at, background, response,
                             items)
values (%(id)s, %(owner)s, %(deployment_id)s, to_timestamp(%(created_at)s),
        to_timestamp(%(expires_at)s), %(background)s, %(response)s::jsonb, %(items)s::jsonb)
on conflict (id) do nothing

-- find --
-- One response, unless its time is over.
select id, owner, deployment_id, extract(epoch from created_at)::float8 as created_at,
       extract(epoch from expires_at)::float8 as expires_at, background, response,
       items
from stored_response
where id = %(id)s and expires_at > to_timestamp(%(at)s)

-- delete --
-- One response, expired or not.
delete from stored_response where id = %(id)s

-- purge --
-- Some of the responses whose time is over; several may do this at once.
delete from stored_response
where id in (
    select id from stored_response
    where expires_at <= to_timestamp(%(at)s)
    order by expires_at
    limit %(limit)s
    for update skip locked
)
