-- discover --
-- Make jobs of the calls in the ledger that made batches, or responses in the background; a client
-- that left its answer unread has made one too.
with made as (
    select s.*, 'batch' as kind from spend_log s
    where s.call_type = 'acreate_batch' and s.started_at > to_timestamp(%(since)s)
    union all
    select s.*, 'response' as kind from spend_log s
    where s.outcome ->> 'deferred' = 'true' and s.started_at > to_timestamp(%(since)s)
)
insert into batch_job (id, kind, key_hash, deployment_id, call_id, about, created_at, state,
                       failures, next_poll_at)
select m.outcome ->> 'response_id', m.kind, m.key_hash, m.deployment_id, m.call_id, m.about,
       m.started_at, 'open', 0, to_timestamp(%(at)s)
from made m
where coalesce(m.outcome ->> 'response_id', '') <> ''
  and not exists (select from batch_job b where b.deployment_id = m.deployment_id
                  and b.id = m.outcome ->> 'response_id')
on conflict (deployment_id, id) do nothing

-- claim --
-- The open jobs that are due, the longest waiting first; nobody else gets them until the lease is
-- over.
update batch_job set next_poll_at = to_timestamp(%(at)s) + make_interval(secs => %(lease)s)
where (deployment_id, id) in (
    select deployment_id, id from batch_job
    where state = 'open' and next_poll_at <= to_timestamp(%(at)s)
    order by next_poll_at
    limit %(limit)s
    for update skip locked
)
returning id, kind, key_hash, deployment_id, call_id, about, failures,
          extract(epoch from created_at)::float8 as created_at

-- later --
-- Look at an open job again.
update batch_job set next_poll_at = to_timestamp(%(at)s), failures = %(failures)s
where deployment_id = %(deployment_id)s and id = %(id)s and state = 'open'

-- close --
-- A job that is over.
update batch_job set state = %(state)s
where deployment_id = %(deployment_id)s and id = %(id)s and state = 'open'

-- see --
-- Note a batch as its provider showed it. One that is over is due, unless looking at it failed.
insert into batch_job (id, key_hash, deployment_id, call_id, about, created_at, state, failures,
                       next_poll_at, files)
values (%(id)s, %(key_hash)s, %(deployment_id)s, %(call_id)s, %(about)s::jsonb,
        to_timestamp(%(created_at)s), 'open', 0, to_timestamp(%(at)s), %(files)s::text[])
on conflict (deployment_id, id) do update set files = excluded.files,
    next_poll_at = case when %(over)s and batch_job.failures = 0 then excluded.next_poll_at
                        else batch_job.next_poll_at end
where batch_job.state = 'open'

-- billed --
-- Whether a job is over.
select state <> 'open' as over from batch_job
where deployment_id = %(deployment_id)s and id = %(id)s

-- using --
-- The open batch that a file belongs to.
select id from batch_job
where state = 'open' and deployment_id = %(deployment_id)s and %(file_id)s = any (files)
limit 1
