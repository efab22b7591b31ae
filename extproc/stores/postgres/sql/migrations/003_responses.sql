-- Responses that their keys may ask for again. Where the provider remembers them itself, only whose
-- they are.
create table stored_response (
    id text primary key,
    owner text not null,
    deployment_id text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    response jsonb,
    items jsonb not null
);

create index stored_response_expiry on stored_response (expires_at);
