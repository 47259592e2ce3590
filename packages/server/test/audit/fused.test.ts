/** The audit of streams that order and fuse: candidates, corrections and those in quarantine, each counted once. */
import { expect, it } from 'vitest';
import { audit } from '../../src/audit/index.ts';
import { eventually } from '../http/server.ts';
import { useWeather } from '../http/weather.ts';

const { server, fused } = useWeather();

it('is clean, with corrections that name their candidates once more', async () => {
  await fused('Paris', 2);
  await eventually(async () => {
    const at = { url: new URL(`${server.url}/`), token: undefined };
    const report = await audit(at, { streams: ['weather'], pins: { logKeys: [] }, before: new Map() });
    expect(report.logs.flatMap(({ findings }) => findings)).toEqual([]);
    const { keys, sources } = report.state!.get('weather')!.leaves;
    expect(report.logs[0]?.notes).toEqual([expect.stringContaining(keys[0]!)]);
    expect(Object.keys(sources).sort()).toEqual(['w-a', 'w-b', 'w-c']);
    for (const { seen } of Object.values(sources)) expect(seen).toEqual([[1, expect.any(Number)]]);
  });
});
