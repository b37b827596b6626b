import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { encodeBase32 } from '../seal/base32.ts';
import { presentationUrl, readCarrier, sealUrl } from '../seal/carrier.ts';
import { type CborValue, encodeCbor } from '../seal/cbor.ts';
import { makePresentation, readPresentation } from '../seal/disclosure.ts';
import { drawnPng, zxingProgram } from '../seal/picture.fixture.ts';
import { readCodes } from '../seal/picture.ts';
import { presentationMatrix, sealMatrix } from '../seal/qr.ts';
import { type RecordDisclosure, recordDisclosures } from '../seal/record-disclosures.ts';
import {
  type Cast,
  ceremonyCast,
  contextOf,
  flipped,
  host,
  latinRecord,
  type Made,
  makeDocument,
  times,
  trustOf,
} from './fixture.ts';
import { openHeldDocument, present } from './holder.ts';
import { verifyCodes } from './picture.ts';
import type { Report } from './report.ts';
import { verifySeal } from './seal.ts';
import type { Trust } from './trust.ts';

const salts = {
  'garant.adresse': '0a'.repeat(16),
  'garant.profession': '1b'.repeat(16),
  montant: '2c'.repeat(16),
};
const disclosures = recordDisclosures({ blocks: latinRecord.blocks, salts });
const [address, job, amount] = disclosures as readonly RecordDisclosure[] as [
  RecordDisclosure,
  RecordDisclosure,
  RecordDisclosure,
];

let cast: Cast;
let trust: Trust;
let document: Made;
let url: string;

beforeAll(async () => {
  cast = await ceremonyCast();
  trust = await trustOf(cast);
  document = await makeDocument(cast, { salts });
  url = sealUrl(document.cose, host);
});

const verify = (source: string | Uint8Array): Promise<Report> =>
  verifySeal(source, contextOf(trust, times.now));
const showing = (of: readonly RecordDisclosure[], ...shown: readonly RecordDisclosure[]) =>
  makePresentation(of, (one) => shown.includes(one), nodeBackend);
const shown = async (...fields: readonly RecordDisclosure[]): Promise<string> =>
  presentationUrl(url, await showing(disclosures, ...fields));
const outcomeOf = ({ indication, checks, disclosed }: Report): readonly unknown[] => [
  indication,
  ...checks
    .filter(({ id, outcome }) => id === 'disclosures' && outcome !== 'passed')
    .map(({ subIndication }) => subIndication ?? 'not checked'),
  disclosed,
];

describe('private fields that are shown', () => {
  it('are told as proven, with how many there are besides', async () => {
    const report = await verify(await shown(job, amount));
    expect(outcomeOf(report)).toEqual([
      'TOTAL-PASSED',
      {
        fields: [
          { label: 'Garant › Profession', value: 'Ingénieure hydraulicienne' },
          { label: 'Engagement › Montant mensuel', value: '850,00\u202f€' },
        ],
        withheld: 1,
      },
    ]);
    expect(JSON.stringify(report)).not.toContain(address.value);
    expect(report.summary).toMatch(/^GENUINE SEAL: .* is proven by the seal\.$/);
  });

  it('may be all of them', async () => {
    expect((await verify(await shown(...disclosures))).disclosed).toMatchObject({ withheld: 0 });
  });

  it('are read off a picture, beside the bare seal too, but not where another presentation is', async () => {
    const [one, other] = await Promise.all([shown(job), shown(amount)]);
    const verdictOn = async (...texts: string[]) =>
      verifyCodes(
        await readCodes(drawnPng(...texts.map(presentationMatrix)), zxingProgram()),
        contextOf(trust, times.now),
      );
    expect((await verdictOn(one, one)).disclosed).toMatchObject({ withheld: 2 });
    for (const pair of [
      [one, url],
      [url, one],
    ])
      expect(await verdictOn(...pair)).toMatchObject({
        indication: 'TOTAL-PASSED',
        disclosed: { withheld: 2 },
      });
    const both = await verdictOn(one, other, url);
    expect(both).toMatchObject({ indication: 'INDETERMINATE', fields: [] });
    expect(both.disclosed).toBeUndefined();
  });

  it('are spoken of where none is shown, and only there', async () => {
    expect(outcomeOf(await verify(url))).toEqual(['TOTAL-PASSED', 'not checked', undefined]);
    const plain = await makeDocument(cast);
    expect(outcomeOf(await verify(plain.cose))).toEqual(['TOTAL-PASSED', undefined]);
  });
});

describe('what a holder makes up', () => {
  const refused = (sub: string) => ['TOTAL-FAILED', sub, undefined];
  const made = (triples: readonly CborValue[], withheld: readonly CborValue[]) =>
    `${url}.${encodeBase32(encodeCbor([triples, withheld]))}`;
  const triple = (disclosure: RecordDisclosure, change: Partial<RecordDisclosure> = {}): Uint8Array => {
    const { salt, value, label } = { ...disclosure, ...change };
    return encodeCbor([salt, value, label]);
  };
  let withheld: readonly Uint8Array[];
  beforeAll(async () => {
    withheld = readPresentation(readCarrier(await shown(job)).presentation!).withheld;
    expect(made([triple(job)], withheld)).toBe(await shown(job));
  });

  it('is refused: another value, label or salt, however it is written', async () => {
    for (const change of [
      { value: 'Avocate' },
      { value: 'ingénieure hydraulicienne' },
      { value: `${job.value}\n` },
      { value: `${job.value} ` },
      { value: job.value.replace('é', 'e') },
      { label: amount.label },
      { label: 'Profession' },
      { label: job.value, value: job.label },
      { salt: amount.salt },
      { salt: flipped(job.salt, 15, 1) },
    ])
      expect(outcomeOf(await verify(made([triple(job, change)], withheld))), JSON.stringify(change)).toEqual(
        refused('HASH_FAILURE'),
      );
  });

  it('is refused: a field doubled, added, left out, or counted as withheld too', async () => {
    const [first] = withheld;
    const own = readPresentation(await showing([job, amount], amount)).withheld[0]!;
    for (const text of [
      made([triple(job), triple(job)], withheld),
      made([triple(job), triple(job)], withheld.slice(1)),
      made([triple(job), triple(job, { label: 'Le garant › Titre' })], withheld),
      made([triple(job), triple(address)], withheld),
      made([triple(job)], withheld.slice(1)),
      made([triple(job)], []),
      made([triple(job)], [...withheld, own].toSorted(Buffer.compare)),
      made([triple(job)], [first!, new Uint8Array(16).fill(255)]),
    ])
      expect(outcomeOf(await verify(text))).toEqual(refused('HASH_FAILURE'));
    const doubled = await verify(made([triple(job), triple(job)], withheld));
    expect(doubled.summary).toContain('a private field is shown twice');
  });

  it('is refused: fields of another document of the same post, and of a seal that has none', async () => {
    const otherSalts = { 'garant.profession': '3d'.repeat(16), montant: '4e'.repeat(16) };
    const other = await makeDocument(cast, { salts: otherSalts });
    const foreign = recordDisclosures({ blocks: latinRecord.blocks, salts: otherSalts });
    const text = presentationUrl(url, await showing(foreign, foreign[0]!));
    expect(outcomeOf(await verify(text))).toEqual(refused('HASH_FAILURE'));
    expect(outcomeOf(await verify(text.replace(url, sealUrl(other.cose, host))))[0]).toBe('TOTAL-PASSED');
    const plain = sealUrl((await makeDocument(cast)).cose, host);
    const report = await verify((await shown(job)).replace(url, plain));
    expect(outcomeOf(report)).toEqual(refused('HASH_FAILURE'));
    expect(report.summary).toContain('the seal has no private field');
  });

  it('is refused: a malformed presentation, whatever it is', async () => {
    for (const text of [
      `${url}.`,
      `${url}.AA`,
      made([], withheld),
      made([triple(job)], withheld.toReversed()),
      made([triple(job, { value: 'a\u202eb' })], withheld),
      made([triple(job, { value: '\u001b]0;x\u0007' })], withheld),
    ])
      expect(outcomeOf(await verify(text)), text.slice(url.length)).toEqual(refused('FORMAT_FAILURE'));
  });

  it('is not told as proven under a seal that is not, nor after its end', async () => {
    const text = await shown(job);
    const forged = sealUrl((await makeDocument(await ceremonyCast(), { salts })).cose, host);
    const unknown = await verify(text.replace(url, forged));
    expect(unknown).toMatchObject({ indication: 'INDETERMINATE', fields: [] });
    expect(unknown.disclosed).toBeUndefined();
    const late = await verifySeal(text, contextOf(trust, new Date('2030-01-01T00:00:00Z')));
    expect(late).toMatchObject({ indication: 'TOTAL-FAILED', subIndication: 'EXPIRED' });
  });
});

describe('the document in the hands of its holder', () => {
  const codes = (picture: Parameters<typeof readCodes>[0]) => readCodes(picture, zxingProgram());
  const open = (file: Uint8Array) => openHeldDocument(file, codes, nodeBackend);

  it('gives its private fields, and presentations that pass', async () => {
    const held = await open(document.file);
    expect(held).toEqual({ number: latinRecord.number, url, disclosures });
    const text = await present(held, new Set(['garant.profession']), nodeBackend);
    expect(text).toBe(await shown(job));
  });

  it('is not opened where its parts do not belong together: nobody could verify what it shows', async () => {
    for (const changes of [
      { sealedRecord: (record: object) => ({ ...record, salts: { ...salts, montant: '00'.repeat(16) } }) },
      { sealedRecord: (record: object) => ({ ...record, more: 1 }) },
      { attachments: () => [] },
      { drawn: () => sealMatrix(flipped(document.cose, 100, 1), host) },
    ])
      await expect(open((await makeDocument(cast, { salts, ...changes })).file)).rejects.toMatchObject({
        code: 'DISCLOSURE_INVALID',
      });
  });
});
