import type { JsonObject } from '../json/parse.ts';
import { compilePath } from '../json/path.ts';
import { canonicalTime, DEFAULT_TIME_FIELDS, formatTime } from '../json/time.ts';
import { addIssue, shown } from './issues.ts';

/** @param observedAt arrival, the event's time if it brings none that can be read */
export type EventTime = (event: JsonObject, observedAt: number, issues: string[]) => string;

/** A time that is there and cannot be read is an issue: the arrival is not what the event says of itself. */
export function compileEventTime(timeField: string | undefined): EventTime {
  const fields = (timeField === undefined ? DEFAULT_TIME_FIELDS : [timeField]).map((field) => ({
    field,
    get: compilePath(field),
  }));
  const arrivalText = rememberLast(formatTime);
  return (event, observedAt, issues) => {
    for (const { field, get } of fields) {
      const value = get(event);
      if (value === undefined || value === null) continue;
      const text = canonicalTime(value);
      if (text !== undefined) return text;
      addIssue(issues, 'time-invalid', field, shown(value));
      break;
    }
    return arrivalText(observedAt);
  };
}

/** The events of a batch share their arrival. */
function rememberLast(format: (time: number) => string): (time: number) => string {
  let last = 0;
  let text = format(last);
  return (time) => {
    if (time !== last) {
      text = format(time);
      last = time;
    }
    return text;
  };
}
