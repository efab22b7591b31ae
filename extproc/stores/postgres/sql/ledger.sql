-- apply --
-- Insert the rows given as JSON and move the keys' spend by exactly what they brought, at once.
-- Rows and keys are locked in order, so that two of these cannot wait for each other.
with given as (
    select distinct on (attempt_id) *
    from jsonb_populate_recordset(null::spend_log, %(rows)s::jsonb)
    order by attempt_id, interrupted
), applied as (
    insert into spend_log as s (
        attempt_id, call_id, number, call_type, key_hash, model_group, model, provider,
        deployment_id, api_base, prompt_tokens_estimate, prompt_cost_nanousd, about, started_at,
        ended_at, first_byte_at, status, http_status, error, outcome, input_tokens, output_tokens,
        cached_tokens, cache_written_tokens, reasoning_tokens, audio_input_tokens,
        audio_output_tokens, units, cost_nanousd, estimated, interrupted)
    select
        attempt_id, call_id, number, call_type, key_hash, model_group, model, provider,
        deployment_id, api_base, prompt_tokens_estimate, prompt_cost_nanousd, about, started_at,
        ended_at, first_byte_at, status, http_status, error, outcome, input_tokens, output_tokens,
        cached_tokens, cache_written_tokens, reasoning_tokens, audio_input_tokens,
        audio_output_tokens, units, cost_nanousd, estimated, interrupted
    from given
    order by attempt_id
    on conflict (attempt_id) do update
    set (ended_at, first_byte_at, status, http_status, error, outcome, input_tokens, output_tokens,
         cached_tokens, cache_written_tokens, reasoning_tokens, audio_input_tokens,
         audio_output_tokens, units, cost_nanousd, estimated, interrupted, replaced_nanousd) =
        (excluded.ended_at, excluded.first_byte_at, excluded.status, excluded.http_status,
         excluded.error, excluded.outcome, excluded.input_tokens, excluded.output_tokens,
         excluded.cached_tokens, excluded.cache_written_tokens, excluded.reasoning_tokens,
         excluded.audio_input_tokens, excluded.audio_output_tokens, excluded.units,
         excluded.cost_nanousd, excluded.estimated, excluded.interrupted, coalesce(s.cost_nanousd, 0))
    where s.interrupted and not excluded.interrupted
    returning key_hash, coalesce(cost_nanousd, 0) - replaced_nanousd as moved
), moved as (
    select key_hash, sum(moved)::bigint as moved from applied group by key_hash
), locked as (
    select k.hash, m.moved
    from virtual_key k join moved m on k.hash = m.key_hash
    where m.moved <> 0
    order by k.hash
    for update of k
), charged as (
    update virtual_key k set spend_nanousd = k.spend_nanousd + l.moved
    from locked l where k.hash = l.hash
)
select count(*) as applied from applied

-- rows --
-- The rows that match, newest first; a null filter matches all.
select * from spend_log
where (%(key_hash)s::text is null or key_hash = %(key_hash)s)
  and (%(call_id)s::text is null or call_id = %(call_id)s)
  and (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(start_at)s::float8 is null or started_at >= to_timestamp(%(start_at)s))
  and (%(end_at)s::float8 is null or started_at < to_timestamp(%(end_at)s))
order by started_at desc, attempt_id desc
limit %(limit)s
