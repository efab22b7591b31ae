-- Virtual keys, the ledger of spend, and who serves which configuration.
-- Money is nano-USD.

create table virtual_key (
    hash text primary key,
    name text not null,
    alias text,
    models text[] not null,
    aliases jsonb not null,
    metadata jsonb not null,
    permissions jsonb not null,
    blocked boolean not null,
    expires_at timestamptz,
    spend_nanousd bigint not null,
    max_budget_nanousd bigint,
    user_id text,
    team_id text,
    organization_id text,
    created_by text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    settings jsonb not null
) with (fillfactor = 80);

create unique index virtual_key_alias on virtual_key (alias);
create index virtual_key_newest on virtual_key (created_at desc, hash desc);
create index virtual_key_user on virtual_key (user_id) where user_id is not null;
create index virtual_key_team on virtual_key (team_id) where team_id is not null;
create index virtual_key_organization on virtual_key (organization_id)
    where organization_id is not null;

create function tell_key_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('extproc_keys', coalesce(new.hash, old.hash));
    return null;
end
$$;

-- Spend alone moves with every batch of the ledger and is not told.
create trigger virtual_key_changed
    after insert or delete or update of
        hash, name, alias, models, aliases, metadata, permissions, blocked, expires_at,
        max_budget_nanousd, user_id, team_id, organization_id, updated_at, settings
    on virtual_key for each row execute function tell_key_changed();

create table spend_log (
    attempt_id text primary key,
    call_id text not null,
    number integer not null,
    call_type text not null,
    key_hash text not null,
    model_group text not null,
    model text not null,
    provider text not null,
    deployment_id text not null,
    api_base text not null,
    prompt_tokens_estimate bigint not null,
    prompt_cost_nanousd bigint,
    about jsonb not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    first_byte_at timestamptz,
    status text not null,
    http_status integer not null,
    error text not null,
    outcome jsonb not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cached_tokens bigint not null,
    cache_written_tokens bigint not null,
    reasoning_tokens bigint not null,
    audio_input_tokens bigint not null,
    audio_output_tokens bigint not null,
    cost_nanousd bigint,
    estimated boolean not null,
    interrupted boolean not null,
    replaced_nanousd bigint not null default 0,
    cost_known boolean not null generated always as (cost_nanousd is not null) stored,
    user_id text generated always as (about ->> 'user') stored,
    team_id text generated always as (about ->> 'team_id') stored,
    organization_id text generated always as (about ->> 'organization_id') stored,
    end_user text generated always as (about ->> 'end_user') stored
);

comment on column spend_log.replaced_nanousd is
    'What the estimate had charged that this row''s true end took the place of.';

create index spend_log_newest on spend_log (started_at desc);
create index spend_log_key on spend_log (key_hash, started_at desc);
create index spend_log_call on spend_log (call_id);
create index spend_log_user on spend_log (user_id, started_at desc) where user_id is not null;

create table gateway_replica (
    name text primary key,
    generation text not null,
    seen_at timestamptz not null
);
