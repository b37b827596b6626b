import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, fromUtf8, latin1, utf8 } from '../bytes.ts';
import {
  attribute,
  essCertIdV2,
  forge,
  indefinite,
  longLength,
  set,
  signingCertificateAttribute,
  sorted,
  tokenAnatomy,
} from '../cms/forge.ts';
import { oids } from '../cms/oid.ts';
import { readSignedData } from '../cms/read.ts';
import type { TestCertified } from '../cms/testing-ca.ts';
import { nodeBackend } from '../crypto/node.ts';
import { element, integer, octetString, oid, sequence } from '../der/writer.ts';
import { missing } from '../pdf/judges.ts';
import { readPdf } from '../pdf/read/document.ts';
import { update } from '../pdf/read/fixture.ts';
import type { PdfRef } from '../pdf/read/objects.ts';
import type { DocumentRecord, SealedRecord } from '../pdf/record.ts';
import { crl, certificate as issueTo, party } from '../pki/fixture.ts';
import { openTrustBundle, type TrustContent } from '../pki/trust-bundle.ts';
import { qrMatrix, sealMatrix } from '../seal/qr.ts';
import { verifyPdf } from './document.ts';
import {
  arabicRecord,
  type Cast,
  type CastShape,
  type Changes,
  ceremonyCast,
  contextOf,
  flipped,
  holeOf,
  host,
  later,
  latinRecord,
  logIndex,
  logProof,
  type Made,
  makeDocument,
  otherPost,
  seconds,
  shapedCast,
  signerOf,
  stamp,
  times,
  trustBytes,
  trustOf,
  twoPages,
  withKey,
} from './fixture.ts';
import type { Report } from './report.ts';
import { adding, replacing, rewritten } from './rewrite.fixture.ts';
import type { Trust } from './trust.ts';

const noCodes = async () => ({ codes: [], readers: [] });

let cast: Cast;
let trust: Trust;
let genuine: Made;

beforeAll(async () => {
  cast = await ceremonyCast();
  trust = await trustOf(cast);
  genuine = await makeDocument(cast);
});

const verify = (file: Uint8Array, at: Trust = trust, now: Date = times.now): Promise<Report> =>
  verifyPdf(file, contextOf(at, now), noCodes);

/** The verdict, then every check that did not pass, with its sub-indication. */
function verdict(report: Report): readonly string[] {
  const refusals = report.checks.flatMap(({ id, outcome, subIndication }) =>
    outcome === 'passed' || outcome === 'not-checked' ? [] : [`${id} ${subIndication}`],
  );
  return [report.indication, ...refusals];
}

const verdictOn = async (changes: Changes, at: Trust = trust, now: Date = times.now) =>
  verdict(await verify((await makeDocument(cast, changes)).file, at, now));

const passed = ['TOTAL-PASSED'];
const allChecks = [
  'trust-bundle',
  'structure',
  'coverage',
  'signature-format',
  'signature-digest',
  'signature-value',
  'seal',
  'log-proof',
  'timestamp',
  'timestamp-authority',
  'signer',
  'seal-signature',
  'seal-signer',
  'record',
  'record-digest',
  'record-seal',
  'page-text',
  'qr-code',
  'status',
  'validity',
];

describe('a genuine document', () => {
  const receipt: DocumentRecord = { ...latinRecord, type: 'recepisse', number: 'RD-2026-000004' };
  it.each([
    ['in Latin letters', latinRecord],
    ['with names in Arabic, Greek and Cyrillic', arabicRecord],
    ['of two pages', twoPages],
    ['that is a receipt', receipt],
  ])('passes with every check: %s', async (_, record) => {
    const { file } = await makeDocument(cast, { record });
    const report = await verify(file);
    expect(verdict(report)).toEqual(passed);
    expect(report.checks.map(({ id }) => id)).toEqual(allChecks);
    expect(report).toMatchObject({
      version: 1,
      subject: 'pdf',
      document: { type: record.type, number: record.number, post: 'GA-PAR' },
      signedAt: times.issue.toISOString(),
      signer: 'Consulat général du Gabon à Paris - Signature des documents',
      compareWithPaper: false,
      trust: { sequence: 1, freshness: 'current' },
    });
    expect(report.summary).toContain(record.title);
  });

  it('passes for a receipt without an end', async () => {
    const unlimited = await makeDocument(cast, {
      claims: ({ expires: _, notBefore: __, ...claims }) => ({
        ...claims,
        identity: { fullName: 'Marie NDONG' },
      }),
    });
    expect(verdict(await verify(unlimited.file))).toEqual(passed);
  });

  const text = fc.string({
    unit: fc.constantFrom(...'abcXYZ éß.,-/’«»ŁƁ09\u202f\u00a0 '),
    minLength: 1,
    maxLength: 90,
  });
  const block = fc.oneof(
    fc.record({ kind: fc.constant('heading' as const), text: fc.constantFrom('Garant', 'Séjour') }),
    fc.record({ kind: fc.constant('paragraph' as const), text }),
    fc.record({
      kind: fc.constant('rows' as const),
      rows: fc.array(fc.record({ field: fc.constant('f'), label: text, value: text }), { maxLength: 12 }),
    }),
    fc.record({
      kind: fc.constant('letterhead' as const),
      lines: fc.array(fc.constant('République gabonaise'), { maxLength: 2 }),
    }),
    fc.record({
      kind: fc.constant('closing' as const),
      placeAndDate: text,
      lines: fc.array(fc.constant('Le consul'), { maxLength: 2 }),
    }),
  );

  it('passes whatever it says', () =>
    fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 12 }), async (blocks) => {
        const seal = latinRecord.blocks.filter(({ kind }) => kind === 'seal');
        const { file } = await makeDocument(cast, {
          record: { ...latinRecord, blocks: [...blocks, ...seal] },
        });
        expect(verdict(await verify(file))).toEqual(passed);
      }),
      { numRuns: 40 },
    ));

  it('passes under certificates of another maker', async () => {
    const other = shapedCast();
    expect(verdict(await verify((await makeDocument(other)).file, await trustOf(other)))).toEqual(passed);
  });

  it('passes after all its certificates have expired, for its time is proven', async () => {
    const old = shapedCast({
      document: { notAfter: later(times.issue, 1) },
      tsa: {},
      seal: { notAfter: later(times.issue, 1) },
    });
    expect(verdict(await verify((await makeDocument(old)).file, await trustOf(old)))).toEqual(passed);
  });

  it('passes when it is taken apart and written anew before it is signed', async () => {
    expect(await verdictOn({ page: (pdf) => rewritten(pdf, () => {}) })).toEqual(passed);
  });
});

describe('a changed byte', () => {
  /** As small as a document can be, so that many can be verified. */
  let file: Uint8Array;
  beforeAll(async () => {
    const kept = latinRecord.blocks.filter(({ kind }) => kind === 'title' || kind === 'seal');
    ({ file } = await makeDocument(cast, { record: { ...latinRecord, blocks: kept } }));
    expect(verdict(await verify(file))).toEqual(passed);
  });

  async function neverPasses(places: Iterable<number>, change: (copy: Uint8Array, at: number) => void) {
    let count = 0;
    for (const at of places) {
      const copy = file.slice();
      change(copy, at);
      const { indication } = await verify(copy);
      if (indication === 'TOTAL-PASSED') throw new Error(`a change at byte ${at} passes`);
      count++;
    }
    return count;
  }
  const flip = (copy: Uint8Array, at: number): void => {
    copy[at] = (copy[at] as number) ^ (1 << (at & 7));
  };
  function* range(from: number, to: number, step = 1): Generator<number> {
    for (let place = from; place < to; place += step) yield place;
  }

  it('is found anywhere in the file', async () => {
    expect(await neverPasses(range(0, file.length, 61), flip)).toBeGreaterThan(500);
  });

  it('is found in every byte of the signature dictionary, the cross-reference and the trailer', async () => {
    const { start, end } = holeOf(file);
    await neverPasses([...range(start - 140, start), ...range(end, end + 120)], flip);
    await neverPasses(range(file.length - 500, file.length), flip);
  });

  it('is found in every byte of the signature, as another digit and as none', async () => {
    const { start, end } = holeOf(file);
    const used = 2 * cmsOf(file).length;
    const otherDigit = (copy: Uint8Array, at: number): void => {
      const place = at + ((at >> 1) & 1);
      const digit = Number.parseInt(String.fromCharCode(copy[place] as number), 16);
      copy[place] = '0123456789abcdef'.charCodeAt(digit ^ (1 << (place % 4)));
    };
    expect(await neverPasses(range(start, start + used, 2), otherDigit)).toBeGreaterThan(3000);
    await neverPasses(range(start, start + used, 53), flip);
    await neverPasses(range(start + used, end, 101), flip);
  });
});

/** The signature in the hole, without the zeros behind it. */
const cmsOf = (file: Uint8Array): Uint8Array => {
  const { start, end } = holeOf(file);
  const hole = Uint8Array.from(Buffer.from(Buffer.from(file.subarray(start, end)).toString(), 'hex'));
  return hole.subarray(0, 4 + ((hole[2] as number) << 8) + (hole[3] as number));
};

describe('a file of another length', () => {
  it('is refused when it is cut anywhere', async () => {
    const { length } = genuine.file;
    for (let end = 0; end < length; end += end > length - 600 ? 1 : 131) {
      const report = await verify(genuine.file.subarray(0, end));
      expect(report.indication, `${end} bytes`).toBe('TOTAL-FAILED');
      expect(report.subIndication).toBe('FORMAT_FAILURE');
    }
  });

  it.each(['\n', '\r\n', ' ', '%', 'garbage', '\n%%EOF', '\0'])(
    'is refused with %j behind it',
    async (tail) => {
      const report = await verify(concatBytes(genuine.file, latin1(tail)));
      expect(report).toMatchObject({ indication: 'TOTAL-FAILED', subIndication: 'FORMAT_FAILURE' });
    },
  );

  it('is refused with bytes before it', async () => {
    const report = await verify(concatBytes(latin1('\n'), genuine.file));
    expect(verdict(report)).toEqual(['TOTAL-FAILED', 'structure FORMAT_FAILURE']);
  });

  it.each([
    ['that changes nothing', '<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>'],
    ['with another signature', '<</Type /Sig /ByteRange [0 10 20 30] /Contents <3000>>>'],
  ])('is refused with an incremental update %s', async (_, body) => {
    const { trailer } = readPdf(genuine.file).revisions[0]!;
    const { num } = trailer.get('Root') as PdfRef;
    const updated = update(genuine.file, { 9000: body }, { root: num, size: 9001 });
    expect(readPdf(updated).revisions).toHaveLength(2);
    const refusals = verdict(await verify(updated));
    expect(refusals.slice(0, 3)).toEqual([
      'TOTAL-FAILED',
      'structure FORMAT_FAILURE',
      'coverage FORMAT_FAILURE',
    ]);
  });

  it.skipIf(missing('mutool'))('is refused with an incremental update by mutool', async () => {
    const script =
      'var d = new PDFDocument(scriptArgs[0]); var p = d.loadPage(0);' +
      'var a = p.createAnnotation("FreeText"); a.setRect([10,10,200,100]); a.setContents("x"); p.update();' +
      'd.save(scriptArgs[0], "incremental");';
    const updated = byProgram(genuine.file, (folder) => {
      writeFileSync(join(folder, 'update.js'), script);
      writeFileSync(join(folder, 'out.pdf'), genuine.file);
      return ['mutool', 'run', join(folder, 'update.js'), join(folder, 'out.pdf')];
    });
    expect(updated.length).toBeGreaterThan(genuine.file.length);
    expect(verdict(await verify(updated)).slice(0, 2)).toEqual(['TOTAL-FAILED', 'structure FORMAT_FAILURE']);
  });

  it.skipIf(missing('qpdf'))('is refused after qpdf has written it anew', async () => {
    const anew = byProgram(genuine.file, (folder) => [
      'qpdf',
      join(folder, 'in.pdf'),
      join(folder, 'out.pdf'),
    ]);
    expect((await verify(anew)).indication).toBe('TOTAL-FAILED');
  });

  function byProgram(file: Uint8Array, command: (folder: string) => readonly string[]): Uint8Array {
    const folder = mkdtempSync(join(tmpdir(), 'consul-verify-'));
    try {
      writeFileSync(join(folder, 'in.pdf'), file);
      const [program = '', ...args] = command(folder);
      const run = spawnSync(program, args, { encoding: 'utf8' });
      expect(`${run.stderr}`, program).toBe('');
      return new Uint8Array(readFileSync(join(folder, 'out.pdf')));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

describe('what the signature does not cover', () => {
  const inHole = (change: (hex: string) => string): Uint8Array => {
    const { start, end } = holeOf(genuine.file);
    const copy = genuine.file.slice();
    const hex = Buffer.from(genuine.file.subarray(start, end)).toString('latin1');
    copy.set(latin1(change(hex)), start);
    return copy;
  };

  it('is refused in capital letters, all or one', async () => {
    const capitals = ['TOTAL-FAILED', 'signature-format FORMAT_FAILURE'];
    for (const change of [
      (hex: string) => hex.toUpperCase(),
      (hex: string) => hex.replace(/[a-f]/, (digit) => digit.toUpperCase()),
    ]) {
      const refusals = verdict(await verify(inHole(change)));
      expect(refusals).toEqual(capitals);
    }
  });

  it('is refused with white space or anything else than zeros in the hole', async () => {
    for (const change of [
      (hex: string) => hex.replace(/00$/, '  '),
      (hex: string) => hex.replace(/0$/, '1'),
      (hex: string) => hex.replace(/0$/, ' '),
    ]) {
      const { indication, subIndication } = await verify(inHole(change));
      expect([indication, subIndication]).toEqual(['TOTAL-FAILED', 'FORMAT_FAILURE']);
    }
  });

  it('is refused with a certificate that the bundle does not hold', async () => {
    const stranger = issueTo(party('Stranger'), party('Nobody'));
    expect(
      await verdictOn({
        cms: (parts) => ({ ...parts, certificates: sorted([...(parts.certificates ?? []), stranger]) }),
      }),
    ).toEqual(['INDETERMINATE', 'signature-format NO_CERTIFICATE_CHAIN_FOUND']);
  });

  it('is refused with a certificate that stands twice', async () => {
    expect(
      await verdictOn({
        cms: (parts) => ({
          ...parts,
          certificates: [...(parts.certificates ?? []), cast.document.certificate],
        }),
      }),
    ).toEqual(['INDETERMINATE', 'signature-format NO_CERTIFICATE_CHAIN_FOUND']);
  });

  it('is refused with revocation data or unknown unsigned attributes', async () => {
    const strange = ['INDETERMINATE', 'signature-format NO_CERTIFICATE_CHAIN_FOUND'];
    expect(await verdictOn({ cms: (parts) => ({ ...parts, crls: [crl(party('Root'))] }) })).toEqual(strange);
    expect(
      await verdictOn({
        cms: (parts) => ({ ...parts, unsigned: [attribute('1.2.3.4', octetString(utf8('hidden')))] }),
      }),
    ).toEqual(strange);
  });

  it.each([
    ['a strange certificate', { certificates: [issueTo(party('Stranger'), party('Nobody'))] }],
    ['revocation data', { crls: [sequence(integer(1))] }],
    ['an unsigned attribute', { unsigned: [attribute('1.2.3.4', octetString(utf8('hidden')))] }],
  ])('is refused with %s in the time-stamp', async (_, extra) => {
    const token = (right: Uint8Array): Uint8Array => {
      const parts = tokenAnatomy(cast.tsa, readSignedData(right).content!);
      const certificates = [...parts.certificates!, ...('certificates' in extra ? extra.certificates : [])];
      return forge({ ...parts, ...extra, certificates });
    };
    expect(await verdictOn({ token })).toEqual([
      'INDETERMINATE',
      'timestamp-authority NO_CERTIFICATE_CHAIN_FOUND',
    ]);
  });
});

describe('a signature outside the profile', () => {
  const wrong = (check: string): readonly string[] => ['TOTAL-FAILED', check];
  const doubtful = (check: string): readonly string[] => ['INDETERMINATE', check];
  const format = wrong('signature-format FORMAT_FAILURE');

  it('passes where nothing is wrong with it', async () => {
    expect(await verdictOn({ cms: (parts) => parts })).toEqual(passed);
  });

  it('is refused with its content inside', async () => {
    expect(
      await verdictOn({
        cms: (parts, covered) => ({ ...parts, content: octetString(covered.slice(0, 500)) }),
      }),
    ).toEqual(format);
  });

  it('is refused with a second signer', async () => {
    expect(await verdictOn({ cms: (parts) => ({ ...parts, moreSigners: (signer) => [signer] }) })).toEqual(
      format,
    );
  });

  it('is refused with attributes in another order, twice, or of two values', async () => {
    for (const change of [
      (list: readonly Uint8Array[]) => list.toReversed(),
      (list: readonly Uint8Array[]) => [list[0]!, ...list],
      (list: readonly Uint8Array[]) => [
        ...list.slice(0, -1),
        attribute(oids.contentType, oid(oids.data), oid(oids.data)),
      ],
    ])
      expect(
        await verdictOn({ cms: (parts) => ({ ...parts, attributes: change(parts.attributes!) }) }),
      ).toEqual(format);
  });

  it('is refused without its attributes, or with one that is not allowed', async () => {
    expect(await verdictOn({ cms: (parts) => ({ ...parts, attributes: undefined }) })).toEqual(format);
    const signingTime = attribute(oids.signingTime, element(0x17, latin1('260303101500Z')));
    const policy = attribute('1.2.840.113549.1.9.16.2.15', sequence(oid('1.2.3')));
    for (const extra of [signingTime, policy])
      expect(
        await verdictOn({
          cms: (parts) => ({ ...parts, attributes: sorted([...parts.attributes!, extra]) }),
        }),
      ).toEqual(doubtful('signature-format SIG_CONSTRAINTS_FAILURE'));
  });

  it('is refused in BER', async () => {
    expect(await verdictOn({ finishedCms: indefinite })).toEqual(wrong('coverage FORMAT_FAILURE'));
    expect(await verdictOn({ finishedCms: longLength })).toEqual(wrong('coverage FORMAT_FAILURE'));
    expect(
      await verdictOn({
        cms: (parts) => ({ ...parts, digestAlgorithms: longLength(parts.digestAlgorithms) }),
      }),
    ).toEqual(format);
  });

  it('is refused with bytes behind it', async () => {
    expect(await verdictOn({ finishedCms: (der) => concatBytes(der, Uint8Array.of(5, 0)) })).toEqual(
      wrong('coverage FORMAT_FAILURE'),
    );
    expect(await verdictOn({ cms: (parts) => ({ ...parts, trailing: [integer(1)] }) })).toEqual(format);
    expect(await verdictOn({ cms: (parts) => ({ ...parts, signerTrailing: [integer(1)] }) })).toEqual(format);
  });

  it('is refused under another certificate than the one it is bound to', async () => {
    const bound = signingCertificateAttribute(essCertIdV2(cast.seal.certificate));
    expect(
      await verdictOn({
        cms: (parts) => ({
          ...parts,
          attributes: sorted([...parts.attributes!.slice(0, 2), bound]),
          certificates: sorted([cast.document.certificate]),
        }),
      }),
    ).toEqual(doubtful('signature-format NO_SIGNING_CERTIFICATE_FOUND'));
  });

  it('is refused with SHA-1 anywhere', async () => {
    const sha1 = sequence(oid('1.3.14.3.2.26'));
    const constraint = doubtful('signature-format CRYPTO_CONSTRAINTS_FAILURE');
    expect(
      await verdictOn({
        cms: (parts) => ({ ...parts, digestAlgorithm: sha1, digestAlgorithms: set(sha1) }),
      }),
    ).toEqual(constraint);
    expect(
      await verdictOn({
        cms: (parts) => ({ ...parts, signatureAlgorithm: sequence(oid('1.2.840.10045.4.1')) }),
      }),
    ).toEqual(constraint);
  });

  it('is refused with an RSA key of 1024 bits', async () => {
    const weak = shapedCast({ document: { kind: 'rsa-1024' } });
    const rsa = sequence(oid('1.2.840.113549.1.1.11'), element(0x05));
    const { file } = await makeDocument(weak, {
      cms: (parts) => ({ ...parts, signatureAlgorithm: rsa }),
    });
    expect(verdict(await verify(file, await trustOf(weak)))).toEqual(
      doubtful('signature-format CRYPTO_CONSTRAINTS_FAILURE'),
    );
  });

  it('is refused over other bytes, and by another key', async () => {
    const { file } = await makeDocument(cast, { finishedCms: () => cmsOf(genuine.file) });
    expect(verdict(await verify(file))).toEqual(wrong('signature-digest HASH_FAILURE'));
    const impostor: TestCertified = { ...cast.document, sign: (data) => cast.seal.sign(data) };
    expect(await verdictOn({ documentSigner: impostor })).toEqual(
      wrong('signature-value SIG_CRYPTO_FAILURE'),
    );
  });

  it('is refused as another kind of PDF signature', async () => {
    expect(await verdictOn({ page: replacing('ETSI.CAdES.detached', 'adbe.pkcs7.detached') })).toEqual(
      wrong('coverage FORMAT_FAILURE'),
    );
  });
});

describe('a signer or time-stamp authority', () => {
  const underTrust = async (shape: CastShape): Promise<readonly string[]> => {
    const made = shapedCast(shape);
    return verdict(await verify((await makeDocument(made)).file, await trustOf(made)));
  };
  const signerPath = ['INDETERMINATE', 'signer CHAIN_CONSTRAINTS_FAILURE'];
  const everyPath = [
    'INDETERMINATE',
    'timestamp-authority CHAIN_CONSTRAINTS_FAILURE',
    'signer CHAIN_CONSTRAINTS_FAILURE',
    'seal-signer CHAIN_CONSTRAINTS_FAILURE',
  ];

  it('is refused for the wrong usage', async () => {
    expect(await underTrust({ document: { keyUsage: ['keyAgreement'] } })).toEqual(signerPath);
    expect(await underTrust({ document: { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] } })).toEqual(signerPath);
    expect(await underTrust({ seal: { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] } })).toEqual([
      'INDETERMINATE',
      'seal-signer CHAIN_CONSTRAINTS_FAILURE',
    ]);
  });

  it('is refused before and after its validity', async () => {
    expect(await underTrust({ document: { notAfter: later(times.issue, -1) } })).toEqual(signerPath);
    expect(await underTrust({ document: { notBefore: later(times.issue, 1) } })).toEqual(signerPath);
    expect(await underTrust({ authority: { notAfter: later(times.issue, -1) } })).toEqual(everyPath);
  });

  it('is refused when a critical extension is not understood', async () => {
    const critical = sequence(oid('1.2.3.4'), element(0x01, Uint8Array.of(0xff)), octetString(integer(1)));
    expect(await underTrust({ document: { extensions: [critical] } })).toEqual(signerPath);
  });

  it('is refused where an authority lacks the CA bit or a path length is violated', async () => {
    expect(await underTrust({ authority: { ca: false, keyUsage: ['keyCertSign'] } })).not.toEqual(passed);
    expect(await underTrust({ root: { pathLength: 0 } })).toEqual(everyPath);
    expect(await underTrust({ authorities: (root, last) => [issueTo(root, last, { ca: false })] })).toEqual(
      everyPath,
    );
  });

  it('is refused within a second where two authorities certify each other', async () => {
    const started = performance.now();
    const ring = (_: unknown, last: ReturnType<typeof party>): readonly Uint8Array[] => {
      const other = party('Other');
      return [issueTo(other, last, { ca: true }), issueTo(last, other, { ca: true })];
    };
    expect(await underTrust({ authorities: ring })).toEqual(everyPath);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('is refused when the bundle does not list it for this use', async () => {
    const without = (use: string) => (content: TrustContent) => ({
      ...content,
      keys: content.keys.filter((key) => key.use !== use),
    });
    const verdictWithout = async (use: string) =>
      verdict(await verify(genuine.file, await trustOf(cast, without(use))));
    expect(await verdictWithout('document')).toEqual([
      'INDETERMINATE',
      'signature-format NO_CERTIFICATE_CHAIN_FOUND',
      'signer NO_CERTIFICATE_CHAIN_FOUND',
    ]);
    expect(await verdictWithout('timestamp')).toEqual([
      'INDETERMINATE',
      'timestamp-authority NO_CERTIFICATE_CHAIN_FOUND',
    ]);
    expect(await verdictWithout('seal')).toEqual([
      'INDETERMINATE',
      'seal-signer NO_SIGNING_CERTIFICATE_FOUND',
    ]);
    expect(await verdictOn({ documentSigner: cast.seal })).toEqual([
      'INDETERMINATE',
      'signer NO_CERTIFICATE_CHAIN_FOUND',
    ]);
  });

  it('is refused from the PKI of a forger with the same names', async () => {
    const forger = await ceremonyCast();
    const { file } = await makeDocument(forger);
    expect(verdict(await verify(file))).toEqual([
      'TOTAL-FAILED',
      'signature-format NO_CERTIFICATE_CHAIN_FOUND',
      'log-proof HASH_FAILURE',
      'timestamp-authority NO_CERTIFICATE_CHAIN_FOUND',
      'signer NO_CERTIFICATE_CHAIN_FOUND',
      'seal-signer NO_SIGNING_CERTIFICATE_FOUND',
    ]);
  });

  it('is refused as time-stamp authority without critical time-stamping alone', async () => {
    const info = (right: Uint8Array): Uint8Array => readSignedData(right).content!;
    const stampedBy = async (tsa: CastShape['tsa']): Promise<readonly string[]> => {
      const made = shapedCast();
      const odd = shapedCast({ ...(tsa ? { tsa } : {}) }).tsa;
      const token = (right: Uint8Array) => forge(tokenAnatomy(odd, info(right)));
      const { file } = await makeDocument(made, { token });
      return verdict(
        await verify(file, await trustOf(made, withKey('timestamp', { certificate: odd.certificate }))),
      );
    };
    const usage = ['INDETERMINATE', 'timestamp CHAIN_CONSTRAINTS_FAILURE'];
    expect(await stampedBy({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.36'] })).toEqual(usage);
    expect(await stampedBy({ extendedKeyUsageCritical: false })).toEqual(usage);
    expect(await stampedBy({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.8', '1.3.6.1.5.5.7.3.4'] })).toEqual(usage);
    // The right usage, but issued by nobody the bundle knows.
    expect(await stampedBy(undefined)).toEqual([
      'INDETERMINATE',
      'timestamp-authority CHAIN_CONSTRAINTS_FAILURE',
    ]);
  });

  it('is refused as time-stamp authority outside its validity', async () => {
    for (const shape of [{ notAfter: later(times.issue, -1) }, { notBefore: later(times.issue, 1) }]) {
      const made = shapedCast({ tsa: shape });
      const right = shapedCast().tsa;
      const token = async (_: Uint8Array, signature: Uint8Array) =>
        forge(tokenAnatomy(made.tsa, readSignedData(await stamp(right, signature)).content!));
      const { file } = await makeDocument({ ...made, tsa: right }, { token });
      expect(verdict(await verify(file, await trustOf(made)))).toEqual([
        'INDETERMINATE',
        'timestamp-authority CHAIN_CONSTRAINTS_FAILURE',
      ]);
    }
  });
});

describe('the time-stamp', () => {
  it('must be there', async () => {
    expect(await verdictOn({ token: () => undefined })).toEqual([
      'INDETERMINATE',
      'timestamp SIG_CONSTRAINTS_FAILURE',
    ]);
  });

  it('must be over this signature', async () => {
    const other = { token: () => stamp(cast.tsa, utf8('another signature')) };
    expect(await verdictOn(other)).toEqual(['TOTAL-FAILED', 'timestamp HASH_FAILURE']);
  });

  it('must not be of the future', async () => {
    expect(await verdictOn({ stampedAt: later(times.now, 1) })).toEqual([
      'INDETERMINATE',
      'timestamp TIMESTAMP_ORDER_FAILURE',
    ]);
    expect(await verdictOn({ stampedAt: new Date(times.now.getTime() + 200_000) })).toEqual(passed);
  });

  it('must be a time-stamp token', async () => {
    expect(await verdictOn({ token: () => cmsOf(genuine.file) })).toEqual([
      'TOTAL-FAILED',
      'timestamp FORMAT_FAILURE',
    ]);
    expect(await verdictOn({ token: () => sequence(integer(1)) })).toEqual([
      'TOTAL-FAILED',
      'timestamp FORMAT_FAILURE',
    ]);
  });
});

describe('a seal moved from another document', () => {
  const otherRecord = JSON.parse(
    JSON.stringify(latinRecord).replaceAll('PC-2026-000123', 'PC-2026-000124'),
  ) as DocumentRecord;
  let other: Made;
  beforeAll(async () => {
    other = await makeDocument(cast, { record: otherRecord });
  });

  const moved = (parts: readonly ('seal' | 'record' | 'proof' | 'qr')[]): Changes => ({
    attachments: (files) =>
      files.map((file) => {
        if (file.name === 'seal.cose' && parts.includes('seal')) return { ...file, bytes: other.cose };
        if (file.name === 'record.json' && parts.includes('record')) return { ...file, bytes: other.record };
        if (file.name === 'log.tlog-proof' && parts.includes('proof')) return { ...file, bytes: other.proof };
        return file;
      }),
    ...(parts.includes('qr') ? { drawn: () => sealMatrix(other.cose, host) } : {}),
  });
  const log = 'log-proof HASH_FAILURE';
  const digest = 'record-digest HASH_FAILURE';
  const claims = 'record-seal HASH_FAILURE';
  const text = 'page-text HASH_FAILURE';
  const code = 'qr-code HASH_FAILURE';

  it.each([
    [['seal'], [log, digest, claims, code]],
    [['qr'], [code]],
    [['record'], [digest, claims, text]],
    [['proof'], [log]],
    [
      ['seal', 'qr'],
      [log, digest, claims],
    ],
    [
      ['seal', 'proof'],
      [digest, claims, code],
    ],
    [
      ['seal', 'qr', 'proof'],
      [digest, claims],
    ],
    [
      ['seal', 'record'],
      [log, text, code],
    ],
    [
      ['record', 'qr'],
      [digest, claims, text, code],
    ],
    [
      ['seal', 'record', 'proof'],
      [text, code],
    ],
    [['seal', 'record', 'proof', 'qr'], [text]],
  ] as const)('is refused: %j', async (parts, refusals) => {
    expect(await verdictOn(moved(parts))).toEqual(['TOTAL-FAILED', ...refusals]);
  });
});

describe('seal, record and log proof', () => {
  const without = (name: string): Changes => ({
    attachments: (files) => files.filter((file) => file.name !== name),
  });

  it('must be attached', async () => {
    expect(await verdictOn(without('seal.cose'))).toEqual(['INDETERMINATE', 'seal SIG_CONSTRAINTS_FAILURE']);
    expect(await verdictOn(without('record.json'))).toEqual([
      'INDETERMINATE',
      'record SIG_CONSTRAINTS_FAILURE',
    ]);
    expect(await verdictOn(without('log.tlog-proof'))).toEqual([
      'INDETERMINATE',
      'log-proof SIG_CONSTRAINTS_FAILURE',
    ]);
    expect(await verdictOn({ attachments: () => [] })).toEqual([
      'INDETERMINATE',
      'seal SIG_CONSTRAINTS_FAILURE',
    ]);
  });

  it('must be attached once, and nothing beside them', async () => {
    for (const file of ['record.json', 'seal.cose', 'log.tlog-proof', 'invoice.xml'])
      expect(
        (
          await verdictOn({
            attachments: (files) => [...files, { ...files[0]!, name: file, bytes: utf8('{}') }],
          })
        )[0],
      ).not.toBe('TOTAL-PASSED');
  });

  it('must be listed in both places', async () => {
    expect(await verdictOn({ page: replacing(/\/AF \[\d+ 0 R /, '/AF [') })).toEqual([
      'INDETERMINATE',
      'record SIG_CONSTRAINTS_FAILURE',
    ]);
  });

  it('must have the record in its canonical form and of the schema', async () => {
    const broken = ['TOTAL-FAILED', 'record FORMAT_FAILURE'];
    const replaced = (bytes: (record: Uint8Array) => Uint8Array): Changes => ({
      attachments: (files) =>
        files.map((file) => (file.name === 'record.json' ? { ...file, bytes: bytes(file.bytes) } : file)),
    });
    expect(await verdictOn(replaced((record) => concatBytes(record, utf8('\n'))))).toEqual(broken);
    expect(await verdictOn(replaced((record) => concatBytes(utf8(' '), record)))).toEqual(broken);
    expect(await verdictOn(replaced(() => utf8('{}')))).toEqual(broken);
    expect(await verdictOn(replaced(() => Uint8Array.of(0xff)))).toEqual(broken);
    expect(await verdictOn(replaced(() => utf8(`"${'x'.repeat(1 << 20)}"`)))).toEqual(broken);
    expect(await verdictOn({ sealedRecord: (record) => ({ ...record, more: 1 }) })).toEqual(broken);
    expect(
      await verdictOn({
        sealedRecord: (record) => ({ ...record, template: { ...record.template, more: [[[[1]]]] } }),
      }),
    ).toEqual(broken);
  });

  it('is refused and not lost in a record nested without end', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const record = fromUtf8(genuine.record);
    const bytes = utf8(record.replace('"template":{', `"template":{"a":${deep},`));
    expect(
      await verdictOn({
        attachments: (files) =>
          files.map((file) => (file.name === 'record.json' ? { ...file, bytes } : file)),
      }),
    ).toEqual(['TOTAL-FAILED', 'record FORMAT_FAILURE']);
  });

  it('must agree on every claim', async () => {
    const contradicted = ['TOTAL-FAILED', 'record-seal HASH_FAILURE'];
    const claiming = (change: object) =>
      verdictOn({
        sealedRecord: (record) => ({ ...record, claims: { ...record.claims, ...change } }),
      });
    expect(await claiming({ issuer: 'FR' })).toEqual(contradicted);
    expect(await claiming({ expires: 253_402_300_799 })).toEqual(contradicted);
    expect(await claiming({ identity: { fullName: 'Quelqu’un d’autre' } })).toEqual(contradicted);
    expect(await claiming({ extra: { 8: 'AMINATA DIALLO', 9: 75_001 } })).toEqual(contradicted);
    for (const change of [{ number: 'PC-2026-999999' }, { type: 'hebergement' }, { post: 'GA-XXX' }])
      expect(await verdictOn({ sealedRecord: (record) => ({ ...record, ...change }) })).toEqual(contradicted);
    expect(
      await verdictOn({ sealedRecord: (record) => ({ ...record, issuedAt: '2026-03-03T10:15:01Z' }) }),
    ).toEqual(contradicted);
  });

  it('must agree on every private field: what is printed, its salt, and that it is private', async () => {
    const contradicted = ['TOTAL-FAILED', 'record-seal HASH_FAILURE'];
    const [address, job] = ['garant.adresse', 'garant.profession'];
    const salts = { [address]: '00'.repeat(16), [job]: '11'.repeat(16) };
    expect(await verdictOn({ salts })).toEqual(passed);
    for (const other of [
      undefined,
      { [address]: salts[address] },
      { ...salts, [job]: '12'.repeat(16) },
      { ...salts, [address]: salts[job], [job]: salts[address] },
      { ...salts, montant: '22'.repeat(16) },
      { ...salts, nowhere: '22'.repeat(16) },
    ])
      expect(
        await verdictOn({ salts, sealedRecord: (record) => ({ ...record, salts: other }) }),
        JSON.stringify(other),
      ).toEqual(contradicted);
    expect(await verdictOn({ sealedRecord: (record) => ({ ...record, salts }) })).toEqual(contradicted);
    const value = (record: SealedRecord) =>
      JSON.parse(JSON.stringify(record).replace('Ingénieure', 'Avocate'));
    expect(await verdictOn({ salts, sealedRecord: value })).toEqual([
      ...contradicted,
      'page-text HASH_FAILURE',
    ]);
    for (const broken of [{}, { [job]: '11' }, { [job]: 1 }, { 'a\nb': {} }])
      expect(await verdictOn({ salts, sealedRecord: (record) => ({ ...record, salts: broken }) })).toEqual([
        'TOTAL-FAILED',
        'record FORMAT_FAILURE',
      ]);
  });

  it('must be in the log of the post', async () => {
    const wrong = ['TOTAL-FAILED', 'log-proof HASH_FAILURE'];
    expect(await verdictOn({ proof: () => logProof(cast, utf8('another seal')) })).toEqual(wrong);
    expect(await verdictOn({ proof: (cose) => logProof(shapedCast(), cose) })).toEqual(wrong);
    expect(await verdictOn({ proof: (cose) => logProof(cast, cose, 'other.example/log') })).toEqual(wrong);
    expect(await verdictOn({ proof: async () => utf8('no proof') })).toEqual([
      'TOTAL-FAILED',
      'log-proof FORMAT_FAILURE',
    ]);
    const logless = await trustOf(cast, (content) => ({ ...content, logs: [] }));
    expect(verdict(await verify(genuine.file, logless))).toEqual([
      'INDETERMINATE',
      'log-proof NO_SIGNING_CERTIFICATE_FOUND',
    ]);
  });

  it('must have a seal that is one', async () => {
    const sealed = (seal: (cose: Uint8Array) => Uint8Array) =>
      verdictOn({ seal, drawn: () => qrMatrix('X') });
    expect((await sealed(() => utf8('HC1:6BFOXN')))[1]).toBe('seal FORMAT_FAILURE');
    expect(await sealed((cose) => flipped(cose, cose.length - 1, 1))).toEqual([
      'TOTAL-FAILED',
      'seal-signature SIG_CRYPTO_FAILURE',
      'qr-code HASH_FAILURE',
    ]);
  });

  it('is refused, and not lost, where the seal is larger than any code', async () => {
    const made = await makeDocument(cast, {
      claims: (claims) => ({
        ...claims,
        document: {
          ...claims.document,
          extra: new Map(Array.from({ length: 10 }, (_, i) => [8 + i, 'x'.repeat(150)])),
        },
      }),
      drawn: () => qrMatrix('X'),
    });
    expect(verdict(await verify(made.file))).toEqual(['TOTAL-FAILED', 'qr-code HASH_FAILURE']);
  });
});

describe('the page', () => {
  const text = ['TOTAL-FAILED', 'page-text HASH_FAILURE'];
  const structure = ['TOTAL-FAILED', 'structure FORMAT_FAILURE'];
  const withBlocks = (blocks: (blocks: DocumentRecord['blocks']) => DocumentRecord['blocks']): Changes => ({
    printed: { ...latinRecord, blocks: blocks(latinRecord.blocks) },
  });

  it('must not say anything else, more or less than the record', async () => {
    expect(await verdictOn({ printed: { ...latinRecord, number: 'ignored' } })).toEqual(passed);
    expect(
      await verdictOn(
        withBlocks(
          (blocks) =>
            JSON.parse(JSON.stringify(blocks).replace('850,00', '950,00')) as DocumentRecord['blocks'],
        ),
      ),
    ).toEqual(text);
    expect(
      await verdictOn(withBlocks((blocks) => [...blocks, { kind: 'paragraph', text: 'Et aussi ceci.' }])),
    ).toEqual(text);
    expect(await verdictOn(withBlocks((blocks) => blocks.filter(({ kind }) => kind !== 'heading')))).toEqual(
      text,
    );
    expect(await verdictOn({ printed: { ...latinRecord, footer: 'Autre pied de page' } })).toEqual(text);
  });

  const show = (operators: string) => replacing(/ET\nEMC\n$/, `${operators}ET\nEMC\n`);
  const line = '1 0 0 1 50 500 Tm\n/F1 10.5 Tf\n[<00100010>] TJ\n';

  it('must not hide text', async () => {
    expect(await verdictOn({ page: show(`3 Tr\n${line}`) })).toEqual([
      ...structure,
      'page-text HASH_FAILURE',
    ]);
    expect(await verdictOn({ page: show(line) })).toEqual(text);
    expect(
      await verdictOn({
        page: replacing(/ET\nEMC\n$/, 'ET\nEMC\n/Span <</ActualText <feff00410042>>> BDC\nEMC\n'),
      }),
    ).toEqual(text);
  });

  it('must not have an /ActualText that says other letters than its glyphs, or in another order', async () => {
    const spanned = (said: string): Changes => {
      const hex = [...said].map((c) => c.charCodeAt(0).toString(16).padStart(4, '0')).join('');
      return {
        page: replacing(
          /(\[<[^\]]*\] TJ\n)(ET\nEMC\n\/Artifact)/,
          `/Span <</ActualText <feff${hex}>>> BDC\n$1EMC\n$2`,
        ),
      };
    };
    const last = 'Scan this code with a phone to check this document, even offline.';
    expect(await verdictOn(spanned(last))).toEqual(passed);
    expect((await verdictOn(spanned(last.replace('Scan', 'Lire'))))[0]).toBe('TOTAL-FAILED');
    const anagram: DocumentRecord = {
      ...latinRecord,
      blocks: JSON.parse(JSON.stringify(latinRecord.blocks).replace('Scan this', 'Snac this')),
    };
    const { page } = spanned(last.replace('Scan', 'Snac'));
    expect(await verdictOn({ record: anagram, printed: latinRecord, ...(page ? { page } : {}) })).toEqual(
      text,
    );
  });

  it('must draw the code of its seal, once', async () => {
    const code = ['TOTAL-FAILED', 'qr-code HASH_FAILURE'];
    expect(await verdictOn({ drawn: () => qrMatrix('HTTPS://VERIFIER.EXAMPLE/#2KC') })).toEqual(code);
    expect(await verdictOn({ drawn: (cose) => sealMatrix(cose, 'evil.example') })).toEqual(code);
    expect(await verdictOn({ page: replacing(/(q .* Do Q\n)/, '$1$1') })).toEqual(code);
    expect(await verdictOn({ page: replacing(/q .* Do Q\n/, '') })).toEqual(code);
  });

  it.each([
    ['scaled to nothing', /q [\d.]+ 0 0 [\d.]+ /, 'q 0.01 0 0 0.01 '],
    ['squeezed', /q ([\d.]+) 0 0 [\d.]+ /, 'q $1 0 0 0.1 '],
    ['mirrored', /q ([\d.]+) 0 0 [\d.]+ /, 'q $1 0 0 -$1 '],
    ['off the page', /q ([\d.]+ 0 0 [\d.]+) [\d.]+ /, 'q $1 2000 '],
    ['beyond the edge of the page', /q ([\d.]+ 0 0 [\d.]+) [\d.]+ /, 'q $1 560 '],
  ])('must not draw its code %s', async (_, from, to) => {
    expect(await verdictOn({ page: replacing(from, to) })).toEqual(structure);
  });

  it.each([
    ['white text', /0\.09 0\.2 0\.36 rg\n1 0 0 1/, '1 1 1 rg\n1 0 0 1'],
    ['tiny text', '/F1 10.5 Tf', '/F1 0.01 Tf'],
    ['text off the page', /1 0 0 1 62\.36 /, '1 0 0 1 -900 '],
    ['text in a turned space', /1 0 0 1 (62\.36 \d+(\.\d+)? Tm)/, '0 1 -1 0 $1'],
    ['text squeezed to nothing', 'BT\n', 'BT\n0 Tz\n'],
    ['text as a clip', 'BT\n', 'BT\n7 Tr\n'],
    ['a rectangle over its text', /ET\nEMC\n$/, 'ET\n1 1 1 rg\n60 50 400 700 re f\nEMC\n'],
    ['a thick rule', /0\.5 re f/, '300 re f'],
    ['a rule that may be part of a letter', /470\.55 (0\.5 re f)/, '3 $1'],
    ['a path', 'EMC\n', '0 0 m 100 100 l S\nEMC\n'],
    ['a clip', '/Artifact BMC\n', '/Artifact BMC\n0 0 1 1 re W n\n'],
    ['a moved page', /^\/Artifact BMC\n/, '1 0 0 1 900 0 cm\n/Artifact BMC\n'],
    ['transparency', 'BT\n', 'BT\n/GS0 gs\n'],
    ['optional content', 'BT\n', '/OC /MC0 BDC EMC\nBT\n'],
    ['a comment', 'BT\n', '% hidden\nBT\n'],
    ['a cropped page', '/MediaBox', '/CropBox [0 0 10 10] /MediaBox'],
    ['a small page', /\/MediaBox \[[^\]]*\]/, '/MediaBox [0 0 200 200]'],
    ['a turned page', '/MediaBox', '/Rotate 180 /MediaBox'],
    ['a scaled page', '/MediaBox', '/UserUnit 10 /MediaBox'],
    ['an action on a page', '/MediaBox', '/AA <</O <</S /JavaScript /JS (1)>>>> /MediaBox'],
    ['an action at opening', '/Type /Catalog', '/Type /Catalog /OpenAction <</S /JavaScript /JS (1)>>'],
    ['layers', '/Type /Catalog', '/Type /Catalog /OCProperties <<>>'],
    ['scripts by name', '/EmbeddedFiles', '/JavaScript <</Names []>> /EmbeddedFiles'],
    ['an XFA form', '/SigFlags 3', '/SigFlags 3 /XFA []'],
    ['a field that is filled anew', '/SigFlags 3', '/SigFlags 3 /NeedAppearances true'],
    ['a field with a place', /\/Rect \[0 0 0 0\]/, '/Rect [0 0 500 500]'],
    ['other text for screen readers', '/S /H1 ', '/S /H1 /ActualText (other) '],
    ['a page that is not listed twice but nested', /\/Type \/Pages/, '/Type /Pages /Rotate 90'],
  ])('must not have %s', async (_, from, to) => {
    const verdict = await verdictOn({ page: replacing(from, to) });
    expect(verdict.slice(0, 2)).toEqual(structure);
  });

  const picture = {
    body: '/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8',
    data: '\xff',
  };
  const form = { body: '/Type /XObject /Subtype /Form /BBox [0 0 600 900]', data: '1 g 0 0 600 900 re f' };
  it.each([
    ['a picture', picture, '/ConsulSeal ', (ref: string) => `/Im0 ${ref} /ConsulSeal `],
    ['another form', form, '/ConsulSeal ', (ref: string) => `/Fm0 ${ref} /ConsulSeal `],
    ['an appearance of its field', form, /\/Rect \[/, (ref: string) => `/AP <</N ${ref}>> /Rect [`],
    [
      'a second annotation',
      { body: '<</Type /Annot /Subtype /FreeText /Rect [0 0 500 500] /Contents (x)>>' },
      /\/Annots \[/,
      (ref: string) => `/Annots [${ref} `,
    ],
    [
      'a second field',
      { body: '<</FT /Tx /T (note) /V (x)>>' },
      /\/Fields \[/,
      (ref: string) => `/Fields [${ref} `,
    ],
    ['an object that nothing uses', { body: '<</Hidden true>>' }, '/Marked true', () => '/Marked false'],
    [
      'a font of drawings',
      { body: '<</Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0]>>' },
      '/F1 ',
      (ref: string) => `/F9 ${ref} /F1 `,
    ],
    [
      'a font that is not embedded',
      { body: '<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>' },
      '/F1 ',
      (ref: string) => `/F9 ${ref} /F1 `,
    ],
  ])('must not have %s', async (_, piece, from, to) => {
    const verdict = await verdictOn({ page: adding(piece, from, to) });
    expect(verdict.slice(0, 2)).toEqual(structure);
  });
});

describe('the state of a key', () => {
  const stateOf = async (
    use: 'document' | 'seal' | 'timestamp',
    change: Partial<TrustContent['keys'][number]>,
    changes?: Changes,
  ) => {
    const at = await trustOf(cast, withKey(use, change));
    return changes ? verdictOn(changes, at) : verdict(await verify(genuine.file, at));
  };
  const uses = [
    ['document', 'signer'],
    ['seal', 'seal-signer'],
    ['timestamp', 'timestamp-authority'],
  ] as const;

  it.each(uses)('counts for the %s key: retired', async (use, check) => {
    const issued = seconds(times.issue);
    expect(await stateOf(use, { state: 'retired', lastSigning: issued })).toEqual(passed);
    expect(await stateOf(use, { state: 'retired', lastSigning: issued - 1 })).toEqual([
      'TOTAL-FAILED',
      `${check} REVOKED`,
    ]);
    expect(await stateOf(use, { state: 'retired' })).toEqual(['TOTAL-FAILED', `${check} REVOKED`]);
  });

  it.each(uses)('counts for the %s key: compromised', async (use, check) => {
    const refused = ['TOTAL-FAILED', `${check} REVOKED`];
    expect(await stateOf(use, { state: 'compromised', compromisedSince: logIndex + 1 })).toEqual(passed);
    expect(await stateOf(use, { state: 'compromised', compromisedSince: logIndex })).toEqual(refused);
    expect(await stateOf(use, { state: 'compromised' })).toEqual(refused);
  });

  it.each(uses)('counts for the %s key: compromised, and no proof of the log', async (use, check) => {
    const verdict = await stateOf(
      use,
      { state: 'compromised', compromisedSince: 1000 },
      { attachments: (files) => files.filter(({ name }) => name !== 'log.tlog-proof') },
    );
    expect(verdict).toContain('log-proof SIG_CONSTRAINTS_FAILURE');
    expect(verdict).toContain(`${check} ${use === 'seal' ? 'REVOKED_NO_POE' : 'REVOKED'}`);
  });

  it('counts by the post it is for', async () => {
    expect(await stateOf('document', { post: otherPost })).toEqual([
      'INDETERMINATE',
      'signer SIG_CONSTRAINTS_FAILURE',
    ]);
    expect(await stateOf('seal', { post: otherPost })).toEqual([
      'TOTAL-FAILED',
      'seal-signer SIG_CRYPTO_FAILURE',
    ]);
  });
});

describe('time and trust', () => {
  const validity = (sub: string) => ['TOTAL-FAILED', `validity ${sub}`];

  it('refuses a document before and after it is in force', async () => {
    const until = later(times.issue, 365);
    const at = await trustOf(cast, (content) => ({ ...content, nextUpdate: seconds(later(until, 400)) }));
    expect(verdict(await verify(genuine.file, at, new Date(until.getTime() - 1000)))).toEqual(passed);
    expect(verdict(await verify(genuine.file, at, until))).toEqual(validity('EXPIRED'));
    expect(
      await verdictOn({ claims: (claims) => ({ ...claims, notBefore: seconds(times.now) + 60 }) }),
    ).toEqual(validity('NOT_YET_VALID'));
  });

  it('refuses a document that says it is of the future', async () => {
    const issuedAt = later(times.now, 2);
    const record = { ...latinRecord, issuedAt: issuedAt.toISOString() };
    expect(
      await verdictOn({
        record,
        claims: ({ notBefore: _, ...claims }) => ({ ...claims, issuedAt: seconds(issuedAt) }),
      }),
    ).toEqual(validity('NOT_YET_VALID'));
  });

  it('says how old the bundle is, and does not decide by one that is too old', async () => {
    const dated = (issued: Date, nextUpdate: Date) =>
      trustOf(cast, (content) => ({ ...content, issued: seconds(issued), nextUpdate: seconds(nextUpdate) }));
    const stale = await verify(genuine.file, await dated(times.ceremony, later(times.now, -1)));
    expect(stale).toMatchObject({ indication: 'TOTAL-PASSED', trust: { freshness: 'stale' } });
    expect(stale.checks[0]?.message).toContain('a newer one has been due');
    const tooOld = await verify(genuine.file, await dated(times.ceremony, later(times.now, -32)));
    expect(verdict(tooOld)).toEqual(['INDETERMINATE', 'trust-bundle TRY_LATER']);
    expect(tooOld.trust.freshness).toBe('expired');
    const early = await verify(genuine.file, await dated(later(times.now, 1), later(times.now, 100)));
    expect(verdict(early)).toEqual(['INDETERMINATE', 'trust-bundle TRY_LATER']);
    expect(early.trust.freshness).toBe('not-yet-valid');
  });

  it('takes no bundle that was tampered with, or of another root', async () => {
    const bytes = await trustBytes(cast);
    for (let at = 0; at < bytes.length; at += 3)
      await expect(openTrustBundle(flipped(bytes, at, 1 << (at & 7)), nodeBackend)).rejects.toMatchObject({
        code: 'TRUST_INVALID',
      });
    const { rootFingerprint } = await openTrustBundle(bytes, nodeBackend);
    const forged = await trustBytes({ ...cast, root: (await ceremonyCast()).root });
    await expect(openTrustBundle(forged, nodeBackend, rootFingerprint)).rejects.toMatchObject({
      code: 'TRUST_INVALID',
    });
    const resigned = await trustBytes({ ...cast, root: { ...cast.root, signer: signerOf(party('Root')) } });
    await expect(openTrustBundle(resigned, nodeBackend)).rejects.toMatchObject({ code: 'TRUST_INVALID' });
  });
});

describe('whatever it is given', () => {
  it('gives a report and throws nothing: bytes', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        for (const file of [bytes, concatBytes(latin1('%PDF-1.7\n'), bytes)])
          expect(verdict(await verify(file))).toEqual(['TOTAL-FAILED', 'structure FORMAT_FAILURE']);
      }),
      { numRuns: 200 },
    ));

  it('gives a report and throws nothing: objects changed by who can sign', () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(),
        fc.constantFrom('', '0', '/X', '<<', ']', '9 0 R'),
        async (a, b, to) => {
          const page = (pdf: Uint8Array): Uint8Array =>
            rewritten(pdf, (pieces) => {
              const own = pieces.filter(({ body }) => !body.includes('ByteRange'));
              const piece = own[a % own.length]!;
              const text = piece.data ?? piece.body;
              const place = b % text.length;
              const changed = text.slice(0, place) + to + text.slice(place + 1);
              if (piece.data === undefined) piece.body = changed;
              else piece.data = changed;
            });
          const report = await verify((await makeDocument(cast, { page })).file);
          expect(['TOTAL-PASSED', 'INDETERMINATE', 'TOTAL-FAILED']).toContain(report.indication);
        },
      ),
      { numRuns: 100 },
    ));
});
