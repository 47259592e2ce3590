/** Each scenario is a test, and a line of the table in `docs/order-and-fuse.md`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Directories } from '../support/directories.ts';
import { CLOCKS } from './clocks.scenarios.ts';
import { DISAGREEMENT } from './disagreement.scenarios.ts';
import { LATE } from './late.scenarios.ts';
import { REFUSED } from './refused.scenarios.ts';
import { RULES } from './rules.scenarios.ts';
import { play, type Scenario } from './scenario.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'order-and-fuse.md');
const TABLES: [title: string, scenarios: Scenario[]][] = [
  ['Sources that disagree', DISAGREEMENT],
  ['Clocks and silence', CLOCKS],
  ['Events that are refused', REFUSED],
  ['Late events', LATE],
  ['Deadlines, limits, standing, counters, configurations', RULES],
];

const directories = new Directories();
afterAll(() => directories.remove());

describe.each(TABLES)('%s', (title, scenarios) => {
  test.each(scenarios)('$name: $outcome', { timeout: 60_000 }, async (scenario) => {
    const log = await play(scenario, directories);
    if (typeof scenario.log === 'function') scenario.log(log);
    else expect(log).toEqual(scenario.log);
  });

  test('the documentation has this table', () => {
    const [, section = ''] = readFileSync(PAGE, 'utf8').split(`\n### ${title}\n`);
    const rows = section
      .split('\n#')[0]
      ?.match(/^\| .*$/gm)
      ?.slice(1);
    expect(rows).toEqual(scenarios.map(({ name, outcome }) => `| ${name} | ${outcome} |`));
  });
});
