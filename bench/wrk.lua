-- One fixed POST for wrk: `wrk … -s wrk.lua URL -- BODY [NAME VALUE]…`; the figures as a JSON line.

function init(args)
  wrk.method = "POST"
  wrk.body = args[1]
  for i = 2, #args, 2 do
    wrk.headers[args[i]] = args[i + 1]
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
