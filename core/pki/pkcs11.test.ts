import pkcs11js from 'pkcs11js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { ecdsaSignatureFromDer } from '../crypto/ecdsa-signature.ts';
import { nodeBackend } from '../crypto/node.ts';
import { issueCertificate } from './authority.ts';
import { parseCertificate } from './certificate.ts';
import { openToken, type Token, type TokenPlace } from './pkcs11.ts';
import { serialNumber } from './serial.ts';
import type { Signer } from './signer.ts';
import { hasPkcs11Tool, type SoftHsm, softHsm, softHsmModule } from './softhsm.fixture.ts';

const code = (value: string) => expect.objectContaining({ code: value });
const message = utf8('Attestation');

describe.skipIf(!softHsmModule)('a PKCS#11 token', () => {
  let hsm: SoftHsm;
  let place: TokenPlace;
  let fleeting: TokenPlace;
  let guarded: TokenPlace;
  let token: Token;

  beforeAll(async () => {
    hsm = softHsm(softHsmModule as string);
    // All before the module starts: it does not see tokens that are made later.
    place = hsm.token('ministry', 'a longer PIN é');
    fleeting = hsm.token('fleeting', '1234');
    guarded = hsm.token('guarded', '2468');
    token = await openToken(place);
  });
  afterAll(() => {
    token.close();
    hsm.remove();
  });

  const signsTruly = async (signer: Signer): Promise<boolean> => {
    const key = await nodeBackend.importPublicKey(signer.algorithm, signer.publicKey);
    return key.verify(await signer.sign(message), message);
  };
  const tool = (...args: string[]): string => hsm.tool(place, ...args);

  it.skipIf(!hasPkcs11Tool)('makes keys that cannot be read out, as another program says', () => {
    token.generate({ label: 'kept', id: '0a' }, 'P-256');
    expect(tool('--list-objects', '--type', 'privkey', '--id', '0a')).toContain(
      'Access:     sensitive, always sensitive, never extractable, local',
    );
    const { CKA_CLASS, CKA_ID, CKA_VALUE, CKF_SERIAL_SESSION, CKO_PRIVATE_KEY, PKCS11 } = pkcs11js;
    const library = new PKCS11();
    library.load(place.module);
    const isOurs = (slot: Buffer) => library.C_GetTokenInfo(slot).label.trim() === place.token;
    const slot = library.C_GetSlotList(true).find(isOurs) as Buffer;
    const session = library.C_OpenSession(slot, CKF_SERIAL_SESSION);
    library.C_FindObjectsInit(session, [
      { type: CKA_CLASS, value: CKO_PRIVATE_KEY },
      { type: CKA_ID, value: Buffer.of(0x0a) },
    ]);
    const [key] = library.C_FindObjects(session, 1);
    library.C_FindObjectsFinal(session);
    expect(() => library.C_GetAttributeValue(session, key as Buffer, [{ type: CKA_VALUE }])).toThrow(
      /CKR_ATTRIBUTE_SENSITIVE/,
    );
  });

  it.skipIf(!hasPkcs11Tool)(
    'signs with a key of another program, found by label, by identifier, by both',
    async () => {
      tool('--keypairgen', '--key-type', 'EC:secp384r1', '--label', 'foreign', '--id', '0b', '--sensitive');
      for (const key of [{ label: 'foreign' }, { id: '0b' }, { label: 'foreign', id: '0b' }])
        expect(await signsTruly(token.signer(key))).toBe(true);
      expect(() => token.signer({ label: 'foreign', id: '0a' })).toThrow(code('KEY_INVALID'));
    },
  );

  it.skipIf(!hasPkcs11Tool)('refuses a key that can be read out', () => {
    tool('--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'loose', '--id', '0c', '--extractable');
    expect(() => token.signer({ label: 'loose' })).toThrow(/labelled loose can be read out/);
  });

  it('refuses to choose between two keys of one label', () => {
    token.generate({ label: 'first', id: '10' }, 'P-256');
    expect(() => token.generate({ label: 'first', id: '11' }, 'P-256')).toThrow(code('KEY_EXISTS'));
    expect(() => token.generate({ label: 'second', id: '10' }, 'P-256')).toThrow(code('KEY_EXISTS'));
  });

  it.skipIf(!hasPkcs11Tool)('refuses a key of a kind that does not sign here', () => {
    tool('--keypairgen', '--key-type', 'EC:secp256k1', '--label', 'coin', '--id', '0d', '--sensitive');
    expect(() => token.signer({ label: 'coin' })).toThrow(/of a kind that does not sign here/);
  });

  it.skipIf(!hasPkcs11Tool)('gives the PIN again for each signature where the key wants it', async () => {
    tool(
      '--keypairgen',
      '--key-type',
      'EC:prime256v1',
      '--label',
      'twice',
      '--id',
      '0e',
      '--sensitive',
      '--always-auth',
    );
    const signer = token.signer({ label: 'twice' });
    expect(await signsTruly(signer)).toBe(true);
    expect(await signsTruly(signer)).toBe(true);
  });

  it('goes on after its sessions were ended by others', async () => {
    const signer = token.generate({ label: 'steady', id: '12' }, 'P-256');
    const other = token.generate({ label: 'steady too', id: '13' }, 'ed25519');
    const library = new pkcs11js.PKCS11();
    library.load(place.module);
    for (const slot of library.C_GetSlotList(true)) library.C_CloseAllSessions(slot);
    expect(await signsTruly(signer)).toBe(true);
    expect(await signsTruly(other)).toBe(true);
  });

  it('goes on after a signature that the token refused', async () => {
    const signer = token.generate({ label: 'patient', id: '14' }, 'ed25519');
    // SoftHSM signs nothing that is empty, and would then hold the operation open.
    await expect(signer.sign(new Uint8Array())).rejects.toEqual(code('TOKEN_UNAVAILABLE'));
    expect(await signsTruly(signer)).toBe(true);
  });

  it.skipIf(!hasPkcs11Tool)('says so when the key is no longer there', async () => {
    const open = await openToken(fleeting);
    const signer = open.generate({ label: 'gone', id: '01' }, 'P-256');
    hsm.tool(fleeting, '--delete-object', '--type', 'privkey', '--id', '01');
    await expect(signer.sign(message)).rejects.toEqual(code('TOKEN_UNAVAILABLE'));
  });

  it('refuses a wrong PIN by name, without telling it', async () => {
    const refused = openToken({ ...guarded, pin: 'not the PIN' });
    await expect(refused).rejects.toEqual(code('PIN_WRONG'));
    await expect(refused).rejects.toThrow(/^(?!.*not the PIN)/);
    (await openToken(guarded)).close();
  });

  it('holds the key of an authority: its certificates are valid', async () => {
    const root = token.generate({ label: 'root', id: '15' }, 'P-256');
    const der = await issueCertificate({
      organisation: { country: 'GA', state: 'République gabonaise', post: 'Consulat', postCode: 'GA-PAR' },
      now: new Date('2026-11-24T00:00:00Z'),
      repository: 'http://example.org',
      profile: 'root',
      subjectKey: root,
      issuer: { signer: root },
      serial: serialNumber(nodeBackend.random),
    });
    const { tbs, signature, spki } = parseCertificate(der);
    expect(spki).toEqual(root.publicKey);
    const rs = ecdsaSignatureFromDer(signature, 'P-256') as Uint8Array;
    expect(await (await nodeBackend.importPublicKey(root.algorithm, spki)).verify(rs, tbs)).toBe(true);
  });
});
