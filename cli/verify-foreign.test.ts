import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzlibSync, zlibSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHex, latin1 } from '../core/bytes.ts';
import { pdf } from '../core/pdf/read/fixture.ts';
import { decodeBase45, encodeBase45 } from '../core/seal/base45.ts';
import { barcodePng, readPng } from '../core/seal/picture.fixture.ts';
import { vectorsFolder } from '../core/vectors.ts';
import { newPost, type TestPost } from './testing.ts';

const folder = vectorsFolder();
// biome-ignore lint/suspicious/noExplicitAny: vectors have as many forms as files.
type Vectors = any;
const load = (name: string): Vectors => JSON.parse(readFileSync(join(folder as string, name), 'utf8'));
const der = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

/** A code of another system, its signer's certificate, and when it is valid. */
interface Example {
  readonly system: string;
  readonly content: string | Uint8Array;
  readonly tampered: string | Uint8Array;
  readonly certificate: Uint8Array;
  readonly at: string;
  readonly title: string;
  readonly field: { readonly label: string; readonly value: string };
}

const lastButTwoFlipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, at) => (at === bytes.length - 3 ? byte ^ 1 : byte));

function healthTampered(text: string): string {
  const cose = unzlibSync(decodeBase45(text.slice('HC1:'.length)));
  return `HC1:${encodeBase45(zlibSync(lastButTwoFlipped(cose)))}`;
}

function examples(): readonly Example[] {
  if (!folder) return [];
  const twoDDoc = load('2ddoc/2ddoc.json');
  const covidTest = twoDDoc.vectors.find(({ id }: Vectors) => id.includes('04-B2-15')).message;
  const health = load('hcert/hcert.json').vectors.find(
    ({ verdict, data }: Vectors) => verdict === 'VALID' && data.JSON?.v,
  ).data;
  const vds = load('vds/seals.json');
  const travel = fromHex(vds.vectors.find(({ id }: Vectors) => id === 'emergenyTravelDoc').rawHex);
  const visible = load('vdsnc/vds-nc.json').vectors.find(
    ({ expected }: Vectors) => expected.signature === 'valid',
  ).seal;
  const idb = load('idb/idb.json');
  const [bar] = idb.vectors;
  return [
    {
      system: '2d-doc',
      content: covidTest,
      tampered: covidTest.replace('CORRINE', 'CORALIE'),
      certificate: der(twoDDoc.certificate.derBase64),
      at: '2026-01-01T00:00:00Z',
      title: 'Cachet 2D-Doc, France (FR), Test COVID',
      field: { label: 'Nom patronymique', value: 'BERTHIER' },
    },
    {
      system: 'hcert',
      content: health.PREFIX,
      tampered: healthTampered(health.PREFIX),
      certificate: der(health.TESTCTX.CERTIFICATE),
      at: health.TESTCTX.VALIDATIONCLOCK,
      title: 'Certificat COVID numérique de l’UE, Autriche (AT), Vaccination',
      field: { label: 'Vaccin', value: 'Comirnaty' },
    },
    {
      system: 'vds',
      content: travel,
      tampered: lastButTwoFlipped(travel),
      certificate: der(vds.certificates.UTTS5B.derBase64),
      at: '2024-10-01T00:00:00Z',
      title: 'Cachet électronique visible OACI (VDS), UTO, Titre de voyage d’urgence',
      field: { label: 'Prénoms', value: 'MARY' },
    },
    {
      system: 'vds-nc',
      content: JSON.stringify(visible),
      tampered: JSON.stringify(visible).replace('CITIZEN', 'CITOYEN'),
      certificate: new Uint8Array(Buffer.from(visible.sig.cer, 'base64url')),
      at: '2022-01-01T00:00:00Z',
      title: 'Cachet électronique OACI (VDS-NC), AUS, Preuve de vaccination',
      field: { label: 'Nom', value: 'CITIZEN  JANE SUE' },
    },
    {
      system: 'idb',
      content: bar.raw,
      tampered: `${bar.raw.slice(0, -3)}${bar.raw.at(-3) === 'A' ? 'B' : 'A'}${bar.raw.slice(-2)}`,
      certificate: der(idb.certificates[bar.expected.signatureVerifiesWith].derBase64),
      at: '2025-06-01T00:00:00Z',
      title: 'Code-barres OACI (IDB), D, Passeport provisoire',
      field: { label: 'Nom', value: 'FOLKS' },
    },
  ];
}

const claim169 = (): string => load('claim169/claim169.json').vectors[0].qr_data;

let post: TestPost;
let lists = '';
beforeAll(async () => {
  post = await newPost();
  lists = join(post.folder, 'lists');
  mkdirSync(lists);
  for (const { system, certificate } of examples()) writeFileSync(join(lists, `${system}.der`), certificate);
  writeFileSync(join(lists, 'README.txt'), 'not a list');
});
afterAll(() => post?.remove());

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

describe.skipIf(!folder)('verify of the seal of another system', () => {
  it.each(examples())('passes a true $system by the folder of lists, and names it first', async (example) => {
    const { system, content, at, title, field } = example;
    const file = post.file(`${system}.code`, content);
    const french = await post.consul('verify', file, '--foreign-trust', lists, '--at', at);
    expect([french.status, french.stderr]).toEqual([0, '']);
    const opening = '✔ CACHET TIERS AUTHENTIQUE selon vos listes de confiance : ';
    expect(firstLine(french.stdout)).toContain(`${opening}${title} ; signataire `);
    expect(french.stdout).toMatch(new RegExp(`^ {4}${field.label} +${field.value}$`, 'm'));
    const one = join(lists, `${system}.der`);
    const report = await post.json('verify', file, '--foreign-trust', one, '--at', at, '--lang', 'fr');
    expect(report).toMatchObject({
      subject: 'foreign-seal',
      indication: 'TOTAL-PASSED',
      foreign: { system, status: 'VALID', signature: 'valid' },
      compareWithPaper: true,
    });
    expect(report.fields).toContainEqual(field);
    expect(report.document).toBeUndefined();
  });

  it.each(examples())('refuses a $system that was changed', async ({ system, tampered, at }) => {
    const file = post.file(`${system}.changed`, tampered);
    const found = await post.consul('verify', file, '--foreign-trust', lists, '--at', at, '--json');
    expect(found.status).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({
      indication: 'TOTAL-FAILED',
      subIndication: 'SIG_CRYPTO_FAILURE',
      summary: expect.stringMatching(/^REFUSÉ : .* : la signature est fausse/),
      foreign: { system, reason: 'INVALID_SIGNATURE' },
      fields: [],
    });
  });

  it.each(examples())('shows a $system of an unknown signer without vouching for it', async (example) => {
    const { system, content, at, title, field } = example;
    const file = post.file(`${system}.code`, content);
    const other = join(lists, system === 'hcert' ? '2d-doc.der' : 'hcert.der');
    const found = await post.consul('verify', file, '--foreign-trust', other, '--at', at);
    expect(found.status).toBe(3);
    expect(firstLine(found.stdout)).toMatch(/^\? NON CONCLUANT, ne pas accepter en l’état : /);
    expect(firstLine(found.stdout)).toContain(`${title} : `);
    expect(found.stdout).toContain(field.value);
    expect(found.stdout).toMatch(/^ {2}INDETERMINATE \/ NO_(SIGNING_CERTIFICATE|CERTIFICATE_CHAIN)_FOUND$/m);
  });

  it('does not pass a Claim 169 that nobody signed', async () => {
    const found = await post.consul('verify', post.file('claim.txt', claim169()), '--lang', 'en');
    expect(found.status).toBe(3);
    expect(firstLine(found.stdout)).toMatch(/MOSIP identity \(Claim 169\).*the code is not signed/);
  });

  it('takes a code as a scanner types it, and from standard input', async () => {
    const [{ content, at } = {} as Example] = examples();
    const options = ['--foreign-trust', lists, '--at', at, '--quiet', '--lang', 'en'];
    const typed = await post.consul('verify', content as string, ...options);
    const piped = await post.consulWith({ input: `${content}\r\n` }, 'verify', '-', ...options);
    for (const { status, stdout } of [typed, piped])
      expect([status, stdout]).toEqual([
        0,
        expect.stringMatching(/^✔ GENUINE THIRD-PARTY SEAL .*2D-Doc seal/),
      ]);
  });

  it.each([
    ['2d-doc', 'DataMatrix'],
    ['vds', 'DataMatrix'],
    ['vds', 'Aztec'],
    ['hcert', 'QRCode'],
    ['vds-nc', 'QRCode'],
  ] as const)('reads a %s in %s off a picture, and off a scan as PDF', async (system, format) => {
    const { content, at } = examples().find((each) => each.system === system) as Example;
    const picture = await barcodePng(content, format);
    const options = ['--foreign-trust', lists, '--at', at, '--json'];
    for (const file of [post.file('code.png', picture), post.file('scan.pdf', scanOf(picture))]) {
      const { status, stdout } = await post.consul('verify', file, ...options);
      expect([status, JSON.parse(stdout)]).toMatchObject([0, { foreign: { system, status: 'VALID' } }]);
    }
  });
});

/** A page that shows one picture in shades of gray. */
function scanOf(png: Uint8Array): Uint8Array {
  const { width, height, data } = readPng(png);
  const gray = Uint8Array.from({ length: width * height }, (_, i) => data[4 * i] as number);
  return pdf({
    1: '<</Type /Catalog /Pages 2 0 R>>',
    2: '<</Type /Pages /Kids [3 0 R] /Count 1>>',
    3: '<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources <</XObject <</Im0 5 0 R>>>>>>',
    4: { dict: '', data: 'q 300 0 0 300 40 200 cm /Im0 Do Q' },
    5: {
      dict: `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /DeviceGray /BitsPerComponent 8`,
      data: gray,
    },
  });
}

describe('a trust list of other systems', () => {
  it('that is missing, empty or broken is told, by its name', async () => {
    const code = post.file('code.txt', 'HC1:6BF');
    const empty = join(post.folder, 'empty');
    mkdirSync(empty);
    const broken = post.file('broken.pem', latin1('-----BEGIN CERTIFICATE-----'));
    for (const [path, error] of [
      [join(post.folder, 'absent'), 'FILE_UNREADABLE'],
      [empty, 'USAGE'],
      [broken, 'TRUST_INVALID'],
    ] as const) {
      const { status, stderr } = await post.consul('verify', code, '--foreign-trust', path);
      expect([status, stderr]).toEqual([2, expect.stringContaining(`[${error}]`)]);
      expect(stderr).toContain(path);
    }
  });
});
