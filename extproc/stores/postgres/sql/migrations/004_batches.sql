-- Batches at providers: found by the rows of the calls that made them, asked for until billed.
create table batch_job (
    deployment_id text not null,
    id text not null,
    key_hash text not null,
    call_id text not null,
    about jsonb not null,
    created_at timestamptz not null,
    state text not null,
    failures integer not null,
    next_poll_at timestamptz not null,
    files text[] not null default '{}',
    primary key (deployment_id, id)
);

comment on column batch_job.id is 'the provider''s; another account''s batch may have the same';
comment on column batch_job.state is 'open, billed, or lost: given up, not billed';
comment on column batch_job.files is 'the provider''s ids of what it reads and writes, once known';

create index batch_job_due on batch_job (next_poll_at) where state = 'open';

create index spend_log_batches on spend_log (started_at) where call_type = 'acreate_batch';

-- Whose the files, batches and jobs at providers are.
create table resource_owner (
    id text not null,
    deployment_id text not null,
    owner text not null,
    checked boolean not null,
    primary key (id, deployment_id)
);

comment on column resource_owner.checked is
    'a batch''s input, all whose models its key was allowed when it came';
