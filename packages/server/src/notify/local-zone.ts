/** The time zone of this machine, for `now` in a template. */
import { GoTime, type Zone } from '../go-template/time.ts';

const UTC_NAMES: ReadonlySet<string> = new Set(['UTC', 'Etc/UTC']);

const LOCAL: Zone = {
  offsetAt: (unixMs) => new Date(unixMs).getTimezoneOffset() * -60,
  // The runtime has abbreviations of its own, which are not those of the zone database that Go writes.
  abbreviationAt: () => (UTC_NAMES.has(Intl.DateTimeFormat().resolvedOptions().timeZone) ? 'UTC' : undefined),
};

export function localTime(unixMs: number): GoTime {
  return new GoTime(BigInt(Math.floor(unixMs)) * 1_000_000n, LOCAL, LOCAL);
}
