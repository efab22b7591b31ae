-- Responses made in the background are billed when they are over, as batches are.
alter table batch_job add column kind text not null default 'batch';

comment on table batch_job is 'work at providers that goes on after its call, until it is billed';
comment on column batch_job.kind is 'batch or response';

create index spend_log_deferred on spend_log (started_at) where outcome ->> 'deferred' = 'true';

alter table stored_response add column background boolean not null default false;

comment on column stored_response.background is
    'made after its call, and billed when it is over: to be deleted only then';
