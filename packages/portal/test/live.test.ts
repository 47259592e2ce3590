import { describe, expect, it } from 'vitest';
import { LiveState, MAX_ROWS } from '../src/live.ts';
import { describe as describeValue, type LiveMessage, parseMessage } from '../src/messages.ts';
import { LatencyMeter, RateMeter } from '../src/meters.ts';

function certified(leafIndex: number, stream = 'metrics'): LiveMessage {
  const eventId = String(leafIndex);
  return { type: 'certified', eventId, sourceId: 'metrics', stream, leafIndex, versionId: 'ab', normalized: { a: 1 } };
}

describe('parseMessage', () => {
  it('reads what it knows and leaves out the rest', () => {
    const data = { type: 'certified', eventId: 'e', sourceId: 's', stream: 't', leafIndex: 7, versionId: 'v' };
    const normalized = { a: [1, { b: 2 }] };
    expect(parseMessage(JSON.stringify({ ...data, packet: { start: 0, end: 9 }, normalized }))).toEqual({
      ...data,
      normalized,
    });
  });

  it.each(['', 'x', '[]', 'null', '7', '{}', '{"type":"hello"}', '{"type":"toString"}'])(
    'takes %s for other',
    (data) => {
      expect(parseMessage(data)).toEqual({ type: 'other' });
    },
  );

  it('puts empty values where members are missing or of another type', () => {
    expect(parseMessage('{"type":"received","count":"9","eventIds":[1,"b"]}')).toEqual({
      type: 'received',
      sourceId: '',
      count: 0,
      eventIds: ['', 'b'],
    });
  });

  it('writes a gap out as it came', () => {
    expect(parseMessage('{"type":"gap","reason":"expired-cursor","count":3}')).toEqual({
      type: 'gap',
      text: 'reason expired-cursor, count 3',
    });
    expect(describeValue('plain')).toBe('plain');
  });
});

describe('LiveState', () => {
  it('keeps the newest rows and no more', () => {
    const state = new LiveState(0);
    for (let i = 0; i < 1_000; i += 1) state.take(certified(i), 1, 2);
    expect(state.rows).toHaveLength(MAX_ROWS);
    expect(state.rows.map(({ event }) => event.leafIndex)).toEqual(Array.from({ length: 50 }, (_, i) => 999 - i));
    expect(state.streams.get('metrics')).toEqual({ certified: 1_000, quarantined: 0, leaves: 1_000 });
    expect(state.certified.total).toBe(1_000);
  });

  it('shows earlier events without counting them', () => {
    const state = new LiveState(0);
    state.show({ time: 5, event: certified(41) as Extract<LiveMessage, { type: 'certified' }> });
    expect(state.certified.total).toBe(0);
    expect(state.streams.get('metrics')).toEqual({ certified: 0, quarantined: 0, leaves: 42 });
  });

  it('counts quarantined, anchored and gaps, and bounds the notices', () => {
    const state = new LiveState(0);
    for (let i = 0; i < 30; i += 1) {
      state.take({ type: 'quarantined', stream: 't', sourceId: 's', eventId: `e${i}`, reasons: ['a', 'b'] }, 1, i);
    }
    state.take({ type: 'gap', text: '' }, 1, 30);
    state.take({ type: 'anchored', stream: 't', versionId: 'v', txid: 'ff', height: 9, chain: 'test' }, 1, 31);
    expect([state.quarantined, state.gaps, state.anchored]).toEqual([30, 1, 1]);
    expect(state.notices).toHaveLength(20);
    expect(state.notices[0]).toEqual({ time: 30, text: 'Gap in this feed: some messages were not sent' });
    expect(state.notices[1]).toEqual({ time: 29, text: 'Quarantined from s: a, b (event e29)' });
    expect(state.streams.get('t')).toEqual({
      certified: 0,
      quarantined: 30,
      leaves: 0,
      anchor: { chain: 'test', height: 9, txid: 'ff' },
    });
  });

  it('measures from the arrival of an event to its certificate', () => {
    const state = new LiveState(0);
    state.take({ type: 'received', sourceId: 's', count: 2, eventIds: ['1', '2'] }, 1_000, 0);
    state.take(certified(1), 1_040, 0);
    state.take(certified(2), 1_090, 0);
    state.take(certified(3), 1_500, 0);
    expect(state.latency.summary(2_000)).toEqual({ p50: 40, p95: 90 });
    expect(state.received.total).toBe(2);
  });
});

describe('meters', () => {
  it('averages over the last five whole seconds', () => {
    const meter = new RateMeter(0);
    for (let second = 0; second < 20; second += 1) meter.add(second < 15 ? 1_000 : 40, second * 1_000);
    expect(meter.perSecond(20_000)).toBe(40);
    expect(meter.perSecond(23_000)).toBe(16);
    expect(meter.perSecond(60_000)).toBe(0);
  });

  it('forgets samples after ten seconds, and the oldest arrivals past its bound', () => {
    const meter = new LatencyMeter();
    for (let i = 0; i <= 20_000; i += 1) meter.received(String(i), 0);
    meter.certified('0', 5);
    expect(meter.summary(6)).toBeUndefined();
    meter.certified('1', 5);
    expect(meter.summary(6)).toEqual({ p50: 5, p95: 5 });
    expect(meter.summary(10_005)).toBeUndefined();
  });
});
