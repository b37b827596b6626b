import { beforeAll, describe, expect, it } from 'vitest';
import { missing, pictures } from '../pdf/judges.ts';
import { certifiedSigner } from '../pki/file-signer.ts';
import { barcodePng, zxingProgram } from '../seal/picture.fixture.ts';
import { readCodes } from '../seal/picture.ts';
import { makeTravelSeal, prepareVdsSigner } from '../seal/travel-seal.ts';
import { verifyCode } from './code.ts';
import { verifyPdf } from './document.ts';
import {
  type Cast,
  type Changes,
  ceremonyCast,
  contextOf,
  flipped,
  later,
  latinRecord,
  type Made,
  makeDocument,
  seconds,
  times,
  travelRecord,
  trustOf,
  withKey,
} from './fixture.ts';
import { verifyCodes } from './picture.ts';
import type { Report } from './report.ts';
import type { Trust } from './trust.ts';

let cast: Cast;
let trust: Trust;
let genuine: Made;

beforeAll(async () => {
  cast = await ceremonyCast();
  trust = await trustOf(cast);
  genuine = await makeDocument(cast, { record: travelRecord() });
});

const none = async () => ({ codes: [], readers: [] });
const verify = (file: Uint8Array, at: Trust = trust): Promise<Report> => verifyPdf(file, contextOf(at), none);
const made = async (changes: Changes): Promise<Report> =>
  verify((await makeDocument(cast, { record: travelRecord(), ...changes })).file);
const refusals = ({ checks }: Report): string[] =>
  checks.flatMap(({ id, outcome, subIndication }) =>
    outcome === 'failed' || outcome === 'indeterminate' ? [`${id} ${subIndication}`] : [],
  );

describe('an emergency travel document', () => {
  it('passes with its zone and its ICAO seal', async () => {
    const report = await verify(genuine.file);
    expect([report.indication, refusals(report)]).toEqual(['TOTAL-PASSED', []]);
    expect(report.checks.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['machine-readable-zone', 'travel-seal']),
    );
  });

  it.skipIf(missing('pdftoppm'))('has both codes readable at 200 dpi', async () => {
    const pages = pictures(genuine.file, 200);
    const read = await Promise.all(pages.map((page) => readCodes(page, zxingProgram())));
    const codes = read.flatMap(({ codes }) => codes);
    expect(codes).toHaveLength(2);
    expect(codes.map(({ bytes }) => bytes)).toContainEqual(genuine.travelSeal);
    // Where both are on a picture the consular seal is judged.
    expect(await verifyCodes({ codes, readers: [] }, contextOf(trust))).toMatchObject({
      subject: 'seal',
      indication: 'TOTAL-PASSED',
    });
  });

  it('is refused where the seal is of another document', async () => {
    const other = await makeDocument(cast, { record: travelRecord({ number: 'PAR600043' }) });
    expect(refusals(await made({ travelSeal: () => other.travelSeal }))).toEqual([
      'travel-seal HASH_FAILURE',
    ]);
  });

  it('is refused where another code is drawn than is attached, or none of them is there', async () => {
    const other = await makeDocument(cast, { record: travelRecord() });
    expect(refusals(await made({ drawnTravelSeal: () => other.travelSeal }))).toEqual([
      'travel-seal HASH_FAILURE',
    ]);
    expect(
      refusals(await made({ travelSeal: () => undefined, drawnTravelSeal: () => other.travelSeal })),
    ).toEqual(['travel-seal HASH_FAILURE']);
  });

  it('is refused where the signature of the seal is wrong, or its bytes are broken', async () => {
    const last = (seal: Uint8Array | undefined): number => (seal?.length ?? 0) - 1;
    expect(refusals(await made({ travelSeal: (seal) => flipped(seal!, last(seal), 1) }))).toEqual([
      'travel-seal SIG_CRYPTO_FAILURE',
    ]);
    expect(refusals(await made({ travelSeal: (seal) => seal!.slice(0, -1) }))).toEqual([
      'travel-seal FORMAT_FAILURE',
    ]);
  });

  it('is refused where the zone is of somebody else than the seal, or its check digits are wrong', async () => {
    for (const change of [{ primary: 'NDONG' }, { dateOfBirth: '20060203' }])
      expect(refusals(await made({ record: travelRecord(change) }))).toEqual([
        'machine-readable-zone HASH_FAILURE',
      ]);
    const record = travelRecord();
    const blocks = record.blocks.map((block) =>
      block.kind === 'travel-seal' ? { ...block, zone: block.zone.replace('PAR600042', 'PAR600043') } : block,
    );
    expect(refusals(await made({ record: { ...record, blocks } }))).toEqual([
      'machine-readable-zone HASH_FAILURE',
    ]);
  });

  it('is not concluded where nobody vouches for the signer of the seal', async () => {
    const without = await trustOf(cast, (content) => ({
      ...content,
      keys: content.keys.filter(({ use }) => use !== 'vds'),
    }));
    expect(refusals(await verify(genuine.file, without))).toEqual([
      'travel-seal NO_SIGNING_CERTIFICATE_FOUND',
    ]);
    const retired = await trustOf(
      cast,
      withKey('vds', { state: 'retired', lastSigning: seconds(later(times.issue, -1)) }),
    );
    expect(refusals(await verify(genuine.file, retired))).toEqual(['travel-seal REVOKED']);
  });

  it('has such a seal only where its record says so', async () => {
    expect(refusals(await made({ record: latinRecord, travelSeal: () => genuine.travelSeal }))).toContain(
      'travel-seal FORMAT_FAILURE',
    );
  });
});

describe('the ICAO seal of a travel document by itself', () => {
  const alone = (bytes: Uint8Array, at: Trust = trust, now = times.now): Promise<Report> =>
    verifyCode({ text: '', bytes }, { ...contextOf(at), now });

  it('passes by the trust bundle, and shows what it says', async () => {
    const report = await alone(genuine.travelSeal!, trust, later(times.issue, 1));
    expect(report).toMatchObject({
      indication: 'TOTAL-PASSED',
      subject: 'travel-seal',
      compareWithPaper: true,
      summary: expect.stringMatching(/^GENUINE SEAL: .*Emergency travel document PAR600042, Consul/),
    });
    expect(report.fields).toContainEqual({ label: 'Family name', value: 'NDONG MBA' });
  });

  it('is read off a picture', async () => {
    const { codes } = await readCodes(await barcodePng(genuine.travelSeal!, 'QRCode'), zxingProgram());
    const context = { ...contextOf(trust), now: later(times.issue, 1) };
    expect(await verifyCodes({ codes, readers: [] }, context)).toMatchObject({
      indication: 'TOTAL-PASSED',
      subject: 'travel-seal',
    });
  });

  it('is refused once it has expired, was changed, or its key was compromised', async () => {
    expect(refusals(await alone(genuine.travelSeal!, trust, later(times.issue, 22)))).toEqual([
      'validity EXPIRED',
    ]);
    expect(refusals(await alone(flipped(genuine.travelSeal!, 30, 1)))[0]).toMatch(
      /^travel-seal (SIG_CRYPTO|FORMAT)_FAILURE|^seal FORMAT_FAILURE/,
    );
    const stolen = await trustOf(cast, withKey('vds', { state: 'compromised', compromisedSince: 0 }));
    expect(refusals(await alone(genuine.travelSeal!, stolen))).toEqual(['travel-seal REVOKED']);
  });

  it('of another signer is not ours', async () => {
    const other = await ceremonyCast();
    const signer = prepareVdsSigner(
      certifiedSigner(other.travelSeal!.key, other.travelSeal!.certificate, []),
    );
    const zone = travelRecord().blocks.flatMap((block) => (block.kind === 'travel-seal' ? block.zone : []));
    const [mrz] = zone.map((text) => text.split('\n') as [string, string]);
    const day = times.issue.toISOString().slice(0, 10);
    const seal = await makeTravelSeal({ mrz: mrz!, issuingCountry: 'GAB', issued: day, signed: day }, signer);
    expect(await alone(seal)).toMatchObject({
      subject: 'foreign-seal',
      subIndication: 'NO_SIGNING_CERTIFICATE_FOUND',
    });
  });
});
