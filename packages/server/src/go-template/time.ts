/** A point in time as Go's `time.Time`: nanoseconds, and the zone it is told in. */

/** An offset from UTC for every point in time. */
export interface Zone {
  /** Seconds east of UTC. */
  offsetAt(unixMs: number): number;
  /** What is written for `MST`: undefined where it is not known, and then it is refused. */
  abbreviationAt(unixMs: number): string | undefined;
}

export const UTC: Zone = { offsetAt: () => 0, abbreviationAt: () => 'UTC' };

const MS = 1_000_000n;

export interface CalendarFields {
  year: number;
  /** From 1. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  /** From 0, Sunday. */
  weekday: number;
  /** From 1. */
  yearDay: number;
  /** Seconds east of UTC. */
  offset: number;
  /** Of the zone; undefined where it is not known. */
  abbreviation: () => string | undefined;
}

export class GoTime {
  /** Nanoseconds since 1970. */
  readonly unixNano: bigint;
  readonly zone: Zone;
  /** That of the machine, for `.Local`. */
  readonly local: Zone;

  constructor(unixNano: bigint, zone: Zone, local: Zone) {
    this.unixNano = unixNano;
    this.zone = zone;
    this.local = local;
  }

  get unixMs(): number {
    return Number(floorDivided(this.unixNano, MS));
  }

  in(zone: Zone): GoTime {
    return new GoTime(this.unixNano, zone, this.local);
  }

  plus(nanoseconds: bigint): GoTime {
    return new GoTime(this.unixNano + nanoseconds, this.zone, this.local);
  }

  fields(): CalendarFields {
    const offset = this.zone.offsetAt(this.unixMs);
    const date = new Date(this.unixMs + offset * 1000);
    const year = date.getUTCFullYear();
    const newYear = new Date(0).setUTCFullYear(year, 0, 1);
    return {
      year,
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      nanosecond: Number(this.unixNano - floorDivided(this.unixNano, 1000n * MS) * 1000n * MS),
      weekday: date.getUTCDay(),
      yearDay: Math.floor((date.getTime() - newYear) / 86_400_000) + 1,
      offset,
      abbreviation: () => this.zone.abbreviationAt(this.unixMs),
    };
  }
}

export function floorDivided(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
