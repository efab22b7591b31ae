-- Batches at providers: found by the rows of the calls that made them, asked for until billed.
create table batch_job (
    id text primary key,
    key_hash text not null,
    deployment_id text not null,
    call_id text not null,
    about jsonb not null,
    created_at timestamptz not null,
    state text not null,
    failures integer not null,
    next_poll_at timestamptz not null
);

comment on column batch_job.state is 'open, billed, or lost: given up, not billed';

create index batch_job_due on batch_job (next_poll_at) where state = 'open';

create index spend_log_batches on spend_log (started_at) where call_type = 'acreate_batch';
