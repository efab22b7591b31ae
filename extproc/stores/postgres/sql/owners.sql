-- note --
-- What has an owner already keeps it.
insert into resource_owner (id, deployment_id, owner, checked)
values (%(id)s, %(deployment_id)s, %(owner)s, %(checked)s)
on conflict (id, deployment_id) do nothing

-- find --
-- Everything with one of these ids, of whatever account.
select id, deployment_id, owner, checked from resource_owner where id = any (%(ids)s)
