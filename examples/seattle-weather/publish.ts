/**
 * Turns the two weather series of the package vega-datasets into NDJSON for `tidemark ingest`, the values as they stand:
 * what a sensor or a feed would send. Bringing them to the same names and types is the mapping policies' job.
 *
 *   node publish.ts observed > observed.ndjson
 *   node publish.ts normals > normals.ndjson
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

type Row = Record<string, string>;

/** The rows of a CSV file without quoted values, by the names in its first line. */
function rowsOf(file: string): Row[] {
  const entry = pathToFileURL(createRequire(import.meta.url).resolve('vega-datasets'));
  const [head = '', ...lines] = readFileSync(new URL(`../data/${file}`, entry), 'utf8')
    .trim()
    .split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, index) => [names[index], value])));
}

/** A daily value speaks of the whole day; of the series, neither says more of the time than the date. */
const middleOf = (date = '') => `${date}T12:00:00Z`;

/** What was observed, one event a day. */
function observed(): object[] {
  return rowsOf('seattle-weather.csv').map((row) => ({ station: 'Seattle', time: middleOf(row.date), ...row }));
}

/**
 * What is normal on each of these days: of the 24 hourly means of 1981 to 2010, the highest and the lowest. That is not
 * the mean of the daily highs and lows, which lie further apart. 29 February has no normals.
 */
function normals(): object[] {
  const hours = Map.groupBy(rowsOf('seattle-weather-hourly-normals.csv'), ({ date = '' }) => date.slice(5, 10));
  return rowsOf('seattle-weather.csv').flatMap(({ date = '' }) => {
    const temperatures = hours.get(date.slice(5))?.map(({ temperature }) => Number(temperature));
    if (temperatures === undefined) return [];
    const extremes = { warmest_hour: Math.max(...temperatures), coldest_hour: Math.min(...temperatures) };
    return [{ place: 'Seattle', at: middleOf(date), day: date, normal: { period: '1981-2010', ...extremes } }];
  });
}

const SERIES: Record<string, () => object[]> = { observed, normals };
const series = SERIES[process.argv[2] ?? ''];
if (series === undefined) {
  process.stderr.write('usage: node publish.ts observed|normals\n');
  process.exitCode = 2;
} else {
  process.stdout.write(
    series()
      .map((event) => `${JSON.stringify(event)}\n`)
      .join(''),
  );
}
