import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { refusal, sources, streams } from '../support/settings.ts';

const ONE = { id: 'one', stream: 'safe' };
const TWO = { id: 'two', stream: 'safe' };
const declared = (member: object, ...list: object[]) => ({
  ...sources(...list),
  ...streams({ id: 'safe', salted: true, ...member }),
});
const saltedOf = (env: object) => loadConfig({}, env as Record<string, string>).streams.find(({ id }) => id === 'safe');

test('a stream is salted when it says so, whatever feeds it and however its packets are cut', () => {
  expect(saltedOf(declared({}, ONE))?.salted).toBe(true);
  expect(saltedOf(declared({ publish: { mode: 'batch', maxEvents: 5 } }, ONE, TWO))?.salted).toBe(true);
  expect(saltedOf(declared({ salted: false }, ONE))).not.toHaveProperty('salted');
  expect(saltedOf({ ...sources(ONE), ...streams({ id: 'safe' }) })).not.toHaveProperty('salted');
});

const FUSION = { strategy: 'latest' };
const RISING = { ...ONE, policy: { map: { n: 'n' }, constraints: { monotonicFields: ['n'] } } };

test.each([
  [{ fusion: FUSION }, [ONE, TWO], {}, '"fusion" (null opts out of FUSION_POLICY_JSON)'],
  [{}, [ONE, TWO], { FUSION_POLICY_JSON: JSON.stringify(FUSION) }, '"fusion" (null opts out of FUSION_POLICY_JSON)'],
  [{ publish: { windowMs: 1000 } }, [ONE], {}, '"publish.windowMs"'],
  [{ publish: { windowMs: 1000 }, rollup: { windowMs: 2000 } }, [ONE], {}, '"rollup"'],
  [{}, [RISING], {}, '"monotonicFields", as its source "one" has'],
])('what would keep something of it is refused: %j', (member, feeding, env, what) => {
  expect(refusal({ ...declared(member, ...feeding), ...env })).toEqual({
    code: 'settings-contradict',
    message: `STREAMS_JSON[0]: a salted stream cannot have ${what}, which would keep what is to be erased`,
  });
});

test('the default fusion can be opted out of', () => {
  const env = { ...declared({ fusion: null }, ONE, TWO), FUSION_POLICY_JSON: JSON.stringify(FUSION) };
  expect(saltedOf(env)).toMatchObject({ salted: true });
});
