import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examplePost } from '../../fixtures/post.ts';
import { toHex, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { issueCertificate } from '../pki/authority.ts';
import { certificatePem } from '../pki/ceremony.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { keyDerivation, passphraseKeys } from '../pki/key-file.ts';
import { openToken } from '../pki/pkcs11.ts';
import { serialNumber } from '../pki/serial.ts';
import type { Signer } from '../pki/signer.ts';
import { type SoftHsm, softHsm, softHsmModule } from '../pki/softhsm.fixture.ts';
import { fileProvider, signerOpener } from './key-providers.ts';
import { certificateFile, openKeyRing } from './keys.ts';
import { postPaths, readSettings, type Settings, writeSettings } from './post-folder.ts';

const code = (value: string) => expect.objectContaining({ code: value });
const home = mkdtempSync(join(tmpdir(), 'consul-ring-'));
const paths = postPaths(home);
const fileKey = passphraseKeys(utf8('passphrase'));
const derivation = keyDerivation(nodeBackend.random(16), 'random');

const settings: Settings = {
  format: 1,
  post: examplePost,
  signatory: { name: 'A. Nguema', quality: 'Consul général' },
  timestamp: {},
  limits: { pieceBytes: 1_000_000 },
  paths: { anchor: 'anchor' },
};

function writeCertificate(name: Parameters<typeof certificateFile>[1], der: Uint8Array): void {
  const file = certificateFile(paths, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, certificatePem(der));
}

const selfIssued = (signer: Signer): Promise<Uint8Array> =>
  issueCertificate({
    organisation: { country: 'GA', state: 'État', post: 'Consulat', postCode: 'GA-PAR' },
    now: new Date(),
    repository: 'http://example.org',
    profile: 'root',
    subjectKey: signer,
    issuer: { signer },
    serial: serialNumber(nodeBackend.random),
  });

beforeAll(async () => {
  mkdirSync(paths.keys, { recursive: true });
  const files = fileProvider({ folder: paths.keys, fileKey, derivation });
  for (const name of ['issuing-ca', 'tsa']) await files.generate(name, 'P-256');
  const opener = signerOpener();
  const authority = await opener.signer(await files.find('issuing-ca'));
  writeCertificate('issuing-ca', await selfIssued(authority));
  writeCertificate('tsa', await selfIssued(authority));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the key ring', () => {
  it('opens the keys in files, with their certificates', async () => {
    const authority = await openKeyRing(paths, { fileKey }).certified('issuing-ca');
    expect(toHex(parseCertificate(authority.certificate).spki)).toBe(toHex(authority.publicKey));
  });

  it('refuses a key whose certificate is of another', async () => {
    await expect(openKeyRing(paths, { fileKey }).certified('tsa')).rejects.toEqual(code('KEY_INVALID'));
  });
});

describe.skipIf(!softHsmModule)('the key ring with a token', () => {
  let hsm: SoftHsm;
  let keys: NonNullable<Settings['keys']>;

  beforeAll(async () => {
    hsm = softHsm(softHsmModule as string);
    const place = hsm.token('consulate', '314159');
    const token = await openToken(place);
    const sealSigner = token.generate({ label: 'seal 2026', id: '2026' }, 'P-256');
    token.generate({ label: 'log', id: '01' }, 'ed25519');
    writeCertificate('seal-signer', await selfIssued(sealSigner));
    token.close();
    writeFileSync(join(home, 'pin'), '314159\n', { mode: 0o600 });
    writeFileSync(join(home, 'no-pin'), '\n');
    const common = { provider: 'pkcs11', module: place.module, token: 'consulate', pinFile: 'pin' } as const;
    keys = { 'seal-signer': { ...common, id: '2026' }, log: common, tsa: { provider: 'file' } };
  });
  afterAll(() => hsm.remove());

  it('is chosen in post.toml, key by key', async () => {
    await writeSettings(home, { ...settings, keys });
    const read = await readSettings(home);
    expect(read.keys).toEqual(keys);
    const ring = openKeyRing(paths, { fileKey }, read.keys);
    const seal = await ring.certified('seal-signer');
    const log = await ring.signer('log');
    const message = utf8('act');
    for (const signer of [seal, log, await ring.signer('issuing-ca')]) {
      const key = await nodeBackend.importPublicKey(signer.algorithm, signer.publicKey);
      expect(await key.verify(await signer.sign(message), message)).toBe(true);
    }
    expect((await ring.source('seal-signer')).kind).toBe('token');
    expect((await ring.source('tsa')).kind).toBe('held');
  });

  it('gives no key out of the token', async () => {
    await expect(openKeyRing(paths, { fileKey }, keys).privateKey('log')).rejects.toEqual(
      code('KEY_INVALID'),
    );
  });

  it('names the file of a PIN that is missing or empty', async () => {
    const ring = (pinFile: string) =>
      openKeyRing(paths, { fileKey }, { log: { ...keys.log, pinFile } as NonNullable<typeof keys.log> });
    await expect(ring('absent').signer('log')).rejects.toEqual(code('FILE_UNREADABLE'));
    await expect(ring('no-pin').signer('log')).rejects.toThrow(/no-pin holds no PIN/);
  });

  it('wants a token to be described wholly', async () => {
    const half = { provider: 'pkcs11', token: 'consulate', pinFile: 'pin' };
    await expect(writeSettings(home, { ...settings, keys: { log: half as never } })).rejects.toEqual(
      code('POST_INVALID'),
    );
  });
});
