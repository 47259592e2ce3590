-- What /event-publish was given, in order of arrival: see packages/server/src/notify/event-publish-row.ts.
create table public.ingest_events (
  id bigint generated always as identity primary key,
  channel text not null,
  -- As it was published.
  message text not null,
  -- The message's own time, else that of its receipt.
  ts timestamptz not null,
  event text,
  batch_tag text,
  status text,
  processed bigint,
  bytes bigint,
  count bigint,
  -- Null where the message does not say it in a way that can be relied on.
  pii boolean,
  received_at timestamptz not null default now()
);

-- Consumers know an event by these two.
create index ingest_events_batch on public.ingest_events (batch_tag, event);
create index ingest_events_ts on public.ingest_events (ts);

-- Without a policy, nobody but the service role reads or writes.
alter table public.ingest_events enable row level security;
