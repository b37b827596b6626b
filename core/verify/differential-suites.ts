import { execFile } from 'node:child_process';
import { sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { equalBytes, fromLatin1, latin1, toHex, utf8 } from '../bytes.ts';
import { type Anatomy, detachedAnatomy, forge, tokenAnatomy } from '../cms/forge.ts';
import { oids } from '../cms/oid.ts';
import { readSignedData, type SignedData } from '../cms/read.ts';
import { pem, testingCa } from '../cms/testing-ca.ts';
import { padesProfile, verifySignedData } from '../cms/verify.ts';
import { nodeBackend } from '../crypto/node.ts';
import { bytewise, type Mutant, mutatedDer, type Random, seeded } from '../der/mutation.fixture.ts';
import { readDer } from '../der/reader.ts';
import { bitString, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { readPdf } from '../pdf/read/document.ts';
import { update } from '../pdf/read/fixture.ts';
import type { PdfRef } from '../pdf/read/objects.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { parseCrl } from '../pki/crl.ts';
import { certificate, crl, party, testTime } from '../pki/fixture.ts';
import { certId, ocspResponse, single } from '../pki/ocsp.fixture.ts';
import { parseOcspResponse } from '../pki/ocsp.ts';
import { checkOcspAnswer } from '../pki/ocsp-answer.ts';
import { validatePath } from '../pki/path.ts';
import { timestampAuthority } from '../time/authority.ts';
import { checkToken } from '../time/token.ts';
import { type Case, refuse, type Suite } from '../vectors.ts';
import { archived } from './archive.fixture.ts';
import { verifyPdf } from './document.ts';
import { ceremonyCast, contextOf, holeOf, latinRecord, makeDocument, trustOf } from './fixture.ts';
import { rewritten } from './rewrite.fixture.ts';

/**
 * For tests and the conformance command: files that are changed at random, by a seed. What is accepted here is put to
 * pdfsig or openssl; a case is lost where those refuse it.
 */

/** What one kind of file is changed from, judged by here and judged by there. */
interface Subject {
  mutant(random: Random): Mutant | Promise<Mutant>;
  accepts(bytes: Uint8Array): Promise<boolean>;
  /** Asked in a folder of its own, which goes away. */
  judge(bytes: Uint8Array, folder: string): Promise<boolean>;
  /** Right as it is. */
  readonly right: Uint8Array;
}

/** @returns exit status and all it said */
const run = (program: string, folder: string, argv: string): Promise<{ status: number; said: string }> =>
  new Promise((resolve) => {
    execFile(program, argv.split(' '), { cwd: folder, encoding: 'latin1' }, (error, stdout, stderr) =>
      resolve({ status: error ? Number(error.code ?? 1) : 0, said: `${stdout}${stderr}` }),
    );
  });

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'consul-differential-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const put = (folder: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<unknown> =>
  Promise.all(Object.entries(files).map(([name, bytes]) => writeFile(join(folder, name), bytes)));

/** Whether `act` says so; an error with a code is a no. */
async function holds(act: () => Promise<boolean>): Promise<boolean> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ConsulError) return false;
    throw error;
  }
}

/** As the verdict on a document has it: nothing beside the signature that is not known byte for byte, or stands twice. */
const isPlain = (known: readonly Uint8Array[], { certificates, crls, signer }: SignedData): boolean => {
  const names = certificates.map(toHex);
  return (
    crls.length === 0 &&
    signer.unsigned.others.length === 0 &&
    new Set(names).size === names.length &&
    names.every((name) => known.some((der) => toHex(der) === name))
  );
};

/** One in three is changed in a part, and then signed by who may sign. */
const partOrWhole =
  (whole: Uint8Array, part: Uint8Array, signed: (part: Uint8Array) => Uint8Array) =>
  (random: Random): Mutant => {
    if (random.below(3) > 0) return mutatedDer(random, whole);
    const { what, bytes } = mutatedDer(random, part);
    return { what: `${what}, then signed`, bytes: signed(bytes) };
  };

function cmsSubject(): Subject {
  const ca = testingCa();
  const signer = ca.issue();
  const content = utf8('the bytes of a document');
  const known = [signer.certificate, ca.intermediate];
  const anatomy: Anatomy = { ...detachedAnatomy(signer, content), certificates: known };
  const right = forge(anatomy);
  return {
    right,
    /** One in four is signed after the change of an attribute. */
    mutant: (random) => {
      if (random.below(4) > 0) return mutatedDer(random, right);
      const attributes = [...(anatomy.attributes ?? [])];
      const at = random.below(attributes.length);
      const { what, bytes } = mutatedDer(random, attributes[at] as Uint8Array);
      attributes[at] = bytes;
      return {
        what: `${what}, in an attribute that is then signed`,
        bytes: forge({ ...anatomy, attributes }),
      };
    },
    accepts: async (der) => {
      const contentDigest = (name: 'sha256' | 'sha384' | 'sha512') => nodeBackend.digest(name, content);
      const result = await verifySignedData(der, padesProfile, { contentDigest }, nodeBackend);
      return result.valid && isPlain(known, result.signed);
    },
    judge: async (der, folder) => {
      await put(folder, { der, content, 'root.pem': pem('CERTIFICATE', ca.root) });
      const arguments_ =
        'cms -verify -binary -inform DER -in der -content content -CAfile root.pem -purpose any';
      return (await run('openssl', folder, `${arguments_} -out /dev/null`)).status === 0;
    },
  };
}

async function tokenSubject(): Promise<Subject> {
  const ca = testingCa();
  const signer = ca.issue({ commonName: 'TSA', extendedKeyUsage: [oids.timeStamping] });
  const data = utf8('what is stamped');
  const digest = await nodeBackend.digest('sha256', data);
  const authority = timestampAuthority({
    signer,
    policy: '1.2.3.4',
    clock: () => testTime,
    serial: () => Uint8Array.of(1),
    accuracy: 1,
  });
  const known = [signer.certificate, ca.intermediate];
  const right = await authority.stamp(digest);
  const { content } = readSignedData(right);
  return {
    right,
    mutant: partOrWhole(right, content as Uint8Array, (info) =>
      forge({ ...tokenAnatomy(signer, info), certificates: known }),
    ),
    accepts: async (der) => {
      const checked = await checkToken(der, { imprint: { algorithm: 'sha256', digest } }, nodeBackend);
      return checked.valid && isPlain(known, checked.signed);
    },
    judge: async (der, folder) => {
      await put(folder, {
        der,
        data,
        'root.pem': pem('CERTIFICATE', ca.root),
        'others.pem': known.map((one) => pem('CERTIFICATE', one)).join(''),
      });
      const arguments_ = 'ts -verify -in der -token_in -data data -CAfile root.pem -untrusted others.pem';
      return (await run('openssl', folder, arguments_)).said.includes('Verification: OK');
    },
  };
}

/** What openssl is asked about at the time of the tests. */
const atTestTime = `-attime ${testTime.getTime() / 1000}`;

function crlSubject(): Subject {
  const authority = party('Authority');
  const issuer = parseCertificate(certificate(authority, authority, { ca: true }));
  const leaf = parseCertificate(certificate(authority, party('Signer'), { serial: 5 }));
  const right = crl(authority, {
    revoked: [{ serial: 9, date: new Date('2026-05-01T00:00:00Z'), reason: 1 }],
  });
  const [, algorithm] = readDer(right).sequence();
  return {
    right,
    mutant: partOrWhole(right, parseCrl(right).tbs, (tbs) =>
      sequence(
        tbs,
        algorithm?.bytes as Uint8Array,
        bitString(new Uint8Array(sign('sha256', tbs, authority.privateKey))),
      ),
    ),
    accepts: (der) =>
      holds(async () => {
        const revocation = { crls: [parseCrl(der)] };
        const input = { leaf, intermediates: [], anchors: [issuer], time: testTime, revocation };
        return (await validatePath(input, nodeBackend)).ok;
      }),
    judge: async (der, folder) => {
      await put(folder, {
        'crl.pem': pem('X509 CRL', der),
        'issuer.pem': pem('CERTIFICATE', issuer.bytes),
        'leaf.pem': pem('CERTIFICATE', leaf.bytes),
      });
      const arguments_ = `verify -crl_check ${atTestTime} -CAfile issuer.pem -CRLfile crl.pem leaf.pem`;
      return (await run('openssl', folder, arguments_)).status === 0;
    },
  };
}

function ocspSubject(): Subject {
  const authority = party('Authority');
  const responder = party('Responder');
  const issuer = parseCertificate(certificate(authority, authority, { ca: true }));
  const leaf = parseCertificate(certificate(authority, party('Signer'), { serial: 0x80 }));
  const delegate = certificate(authority, responder, {
    extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'],
    extensions: [Uint8Array.from(Buffer.from('300f06092b060105050730010504020500', 'hex'))],
  });
  const answer = single({ certId: certId(authority, leaf.serial) });
  const signed = (response: Uint8Array): Uint8Array =>
    ocspResponse({ signer: responder, responses: [response], certificates: [delegate] });
  const right = signed(answer);
  return {
    right,
    mutant: partOrWhole(right, answer, signed),
    accepts: (der) =>
      holds(async () => {
        const input = { response: parseOcspResponse(der), certificate: leaf, issuer, at: testTime };
        return (await checkOcspAnswer(input, nodeBackend)).status === 'good';
      }),
    judge: async (der, folder) => {
      await put(folder, {
        der,
        'issuer.pem': pem('CERTIFICATE', issuer.bytes),
        'leaf.pem': pem('CERTIFICATE', leaf.bytes),
      });
      // It has no clock of ours: how far the times may be off is said instead.
      const arguments_ = 'ocsp -respin der -issuer issuer.pem -cert leaf.pem -CAfile issuer.pem';
      const { said } = await run('openssl', folder, `${arguments_} -validity_period 1000000000`);
      return said.includes('Response verify OK') && said.includes('leaf.pem: good');
    },
  };
}

const inHole = (file: Uint8Array, change: (cms: Uint8Array) => Mutant): Mutant => {
  const { start, end } = holeOf(file);
  const hole = Uint8Array.from(Buffer.from(fromLatin1(file.subarray(start, end)), 'hex'));
  const length = 4 + ((hole[2] as number) << 8) + (hole[3] as number);
  const { what, bytes } = change(hole.subarray(0, length));
  const copy = file.slice();
  copy.set(
    latin1(
      toHex(bytes)
        .padEnd(end - start, '0')
        .slice(0, end - start),
    ),
    start,
  );
  return { what: `${what}, in the signature`, bytes: copy };
};

const words = [
  '/Contents',
  '/ByteRange',
  '/Type',
  'obj',
  'endstream',
  'xref',
  'trailer',
  '%%EOF',
  '/Sig',
  '<<',
  '>>',
];

/** A number or a word of the file exchanged for another of the same length. */
function withOtherWord(random: Random, file: Uint8Array): Mutant {
  const text = fromLatin1(file);
  const word = random.one(words);
  const places =
    random.below(2) === 0 ? [...text.matchAll(/\d+/g)] : [...text.matchAll(new RegExp(word, 'g'))];
  const place = random.one(places);
  const [found = ''] = place ?? [''];
  const other = /^\d/.test(found)
    ? String(random.below(10 ** Math.min(found.length, 9))).padStart(found.length, '0')
    : random.one(words).padEnd(found.length).slice(0, found.length);
  const copy = file.slice();
  copy.set(latin1(other), place?.index ?? 0);
  return { what: `"${found}" is "${other}"`, bytes: copy };
}

function withUpdate(random: Random, file: Uint8Array): Mutant {
  const { objects, trailer } = readPdf(file).revisions[0] as ReturnType<typeof readPdf>['revisions'][number];
  const { num: root } = trailer.get('Root') as PdfRef;
  const num = random.one([...objects.keys(), 9000]);
  const body = random.one([
    'null',
    '<<>>',
    '<</Type /Page>>',
    '<</Type /Annot /Subtype /FreeText /Rect [0 0 9 9] /Contents (x)>>',
  ]);
  return {
    what: `an update in which object ${num} is ${body}`,
    bytes: update(file, { [num]: body }, { root, size: 9001 }),
  };
}

async function pdfSubject(): Promise<Subject> {
  const cast = await ceremonyCast();
  const trust = await trustOf(cast);
  const kept = latinRecord.blocks.filter(({ kind }) => kind === 'title' || kind === 'seal');
  const record = { ...latinRecord, blocks: kept };
  const right = await archived((await makeDocument(cast, { record })).file, cast);
  /** Changed by who can sign. */
  const signedAfterwards = async (random: Random): Promise<Mutant> => {
    let what = '';
    const page = (unsigned: Uint8Array): Uint8Array =>
      rewritten(unsigned, (pieces) => {
        const piece = random.one(pieces.filter(({ body }) => !body.includes('ByteRange')));
        const text = piece.data ?? piece.body;
        const at = random.below(text.length);
        const to = random.one(['', ' ', '\n', '  ', '0', '/X', '%', text[at] ?? '']);
        const changed = text.slice(0, at) + to + text.slice(at + 1);
        if (piece.data === undefined) piece.body = changed;
        else piece.data = changed;
        what = `"${to}" at ${at} of object ${piece.num}, then signed`;
      });
    const made = (await makeDocument(cast, { record, page })).file;
    const file = await archived(made, cast).catch(() => made);
    return { what, bytes: file };
  };
  return {
    right,
    mutant: (random) => {
      switch (random.below(8)) {
        case 0:
          return signedAfterwards(random);
        case 1:
        case 2:
          return inHole(right, (cms) => mutatedDer(random, cms));
        case 3:
          return withUpdate(random, right);
        case 4:
        case 5:
          return withOtherWord(random, right);
        default: {
          const [what, change] = random.one(bytewise);
          return { what, bytes: change(random, right) };
        }
      }
    },
    accepts: async (file) => {
      const none = async () => ({ codes: [], readers: [] });
      return (await verifyPdf(file, contextOf(trust), none)).indication === 'TOTAL-PASSED';
    },
    judge: async (file, folder) => {
      await put(folder, { 'document.pdf': file });
      const { said } = await run('pdfsig', folder, '-nocert document.pdf');
      const [first = '', ...others] = said.split(/^Signature #\d+:/m).slice(1);
      const isValid = (signature: string): boolean => signature.includes('Validation: Signature is Valid.');
      // It has no verdict on document timestamps.
      return (
        isValid(first) &&
        others.every((one) => isValid(one) || one.includes('Unable to validate this type of signature'))
      );
    },
  };
}

const acceptedByBoth = 'accepted by both';

export interface DifferentialSuite extends Suite {
  /** The program that judges what is accepted here. */
  readonly judge: 'pdfsig' | 'openssl';
}

/** A change can undo itself; then another is made. */
async function otherThan({ right, mutant }: Subject, random: Random): Promise<Mutant> {
  for (;;) {
    const made = await mutant(random);
    if (!equalBytes(made.bytes, right)) return made;
  }
}

async function* casesOf(name: string, subject: Subject, count: number): AsyncGenerator<Case> {
  const ask = (bytes: Uint8Array) => inFolder((folder) => subject.judge(bytes, folder));
  yield {
    name: `${name} as it is`,
    mustPass: true,
    run: async () => {
      if (!(await subject.accepts(subject.right))) refuse('refused here');
      if (!(await ask(subject.right))) refuse('refused by the judge');
    },
  };
  for (let seed = 1; seed < count; seed++) {
    const { what, bytes } = await otherThan(subject, seeded(seed));
    yield {
      name: `${name} ${seed}: ${what}`,
      mustPass: false,
      run: async () => {
        if (!(await subject.accepts(bytes))) refuse('refused here');
        if (await ask(bytes)) refuse(acceptedByBoth);
      },
    };
  }
}

const kinds = [
  ['PDF', 'pdfsig', pdfSubject, 2000],
  ['CMS', 'openssl', cmsSubject, 1000],
  ['time-stamp', 'openssl', tokenSubject, 1000],
  ['CRL', 'openssl', crlSubject, 500],
  ['OCSP answer', 'openssl', ocspSubject, 500],
] as const;

/** @param share how many of the 5,000 files are made */
export const differentialSuites = (share: number): readonly DifferentialSuite[] =>
  kinds.map(([name, judge, make, most]) => {
    const count = Math.round(most * share);
    return {
      name: `Changed at random: ${name}, against ${judge}`,
      judge,
      count,
      counted: acceptedByBoth,
      cases: async function* () {
        yield* casesOf(name, await make(), count);
      },
    };
  });
