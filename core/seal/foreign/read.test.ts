import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../bytes.ts';
import { nodeBackend } from '../../crypto/node.ts';
import { ConsulError } from '../../errors.ts';
import { party } from '../../pki/fixture.ts';
import { foreignSystem } from '../foreign.ts';
import {
  healthText,
  idbText,
  sealCertificate,
  tokenText,
  twoDDocBinary,
  twoDDocText,
  vdsBytes,
  vdsNcText,
} from './fixture.ts';
import { readForeign } from './read.ts';
import { foreignReport } from './report.ts';
import { readForeignTrust } from './trust-list.ts';
import { checkForeign } from './verify.ts';

const signer = party('signer');
const der = sealCertificate(party('authority'), signer);
const { privateKey } = signer;
const kid = new Uint8Array(8);

const texts: readonly (readonly [string, string])[] = [
  ['hcert', healthText(privateKey, kid)],
  ['2d-doc', twoDDocText(privateKey)],
  ['vds-nc', vdsNcText(privateKey, der)],
  ['idb', idbText({ key: privateKey, certificate: der })],
  ['claim169', tokenText(new Map([[169, new Map([[4, 'Exemple']])]]), privateKey)],
];
const binaries: readonly (readonly [string, Uint8Array])[] = [
  ['vds', vdsBytes(privateKey)],
  ['2d-doc', twoDDocBinary(privateKey, true)],
];

const trust = await readForeignTrust([{ name: 'signer.der', bytes: der }], nodeBackend);

/** Everything that is done with a code, whatever it holds: it ends, in a report or an error with a code. */
async function survive(text: string, bytes?: Uint8Array): Promise<void> {
  try {
    const content = bytes ? { text, bytes } : { text };
    const { seal, verdict } = await checkForeign(
      content,
      trust,
      { now: new Date('2026-06-01') },
      nodeBackend,
    );
    const system = foreignSystem(text, bytes) ?? 'vds';
    const report = foreignReport(seal ?? system, verdict, 'fr');
    expect(report.fields.length).toBeLessThanOrEqual(400);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be shown.
    for (const { label, value } of report.fields) expect(label + value).not.toMatch(/[\u0000-\u001f\u202e]/);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
  }
}

describe('the code of another system', () => {
  it.each([...texts])('%s is found out by itself', (system, text) => {
    expect(readForeign(text).system).toBe(system);
    expect(readForeign(text, utf8(text)).system).toBe(system);
  });

  it.each([...binaries])('%s in bytes is found out by itself', (system, bytes) => {
    expect(readForeign('', bytes).system).toBe(system);
    expect(readForeign(String.fromCharCode(...bytes)).system).toBe(system);
  });

  it.each([...texts])(
    '%s ends in a report or an error when a character is changed, added or missing',
    async (_, text) => {
      const mutation = fc.tuple(
        fc.nat(text.length),
        fc.nat(2),
        fc.string({ minLength: 1, maxLength: 4, unit: 'binary' }),
      );
      await fc.assert(
        fc.asyncProperty(mutation, ([at, cut, more]) =>
          survive(text.slice(0, at) + more + text.slice(at + cut)),
        ),
        { numRuns: 200 },
      );
    },
  );

  it.each([...binaries])(
    '%s in bytes ends in a report or an error when a byte is changed or missing',
    async (_, bytes) => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(bytes.length - 1),
          fc.nat(255),
          fc.nat(bytes.length),
          async (at, value, length) => {
            const changed = bytes.slice();
            changed[at] = value;
            await survive('', changed);
            await survive('', changed.subarray(0, length));
          },
        ),
        { numRuns: 200 },
      );
    },
  );

  it.each([
    'HC1:',
    'DC03FR00000112511636',
    'DC04FR000001FFFFFFFF0601FR',
    'RDB1B',
    'RDB1C',
    '{"t":"icao.vacc"',
    '6BF',
    'Ü\u0002',
  ])('that begins with %s and goes on anyhow ends in a report or an error', async (beginning) => {
    const rest = fc.oneof(
      fc.string({ maxLength: 200, unit: 'binary' }),
      fc.string({
        maxLength: 200,
        unit: fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:\u001d\u001e\u001f'),
      }),
    );
    await fc.assert(
      fc.asyncProperty(rest, (text) => survive(beginning + text)),
      { numRuns: 150 },
    );
  });

  it('that is far too long is refused at once', () => {
    const long = 'A'.repeat(5_000_000);
    const before = performance.now();
    for (const beginning of ['HC1:', 'RDB1A', 'DC04FR000001FFFFFFFF0601FR', '{"a":"icao.vacc","b":"', '6BF'])
      expect(() => readForeign(beginning + long)).toThrow(ConsulError);
    expect(() => readForeign('', new Uint8Array(5_000_000).fill(0xdc, 0, 1).fill(3, 1, 2))).toThrow(
      ConsulError,
    );
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
