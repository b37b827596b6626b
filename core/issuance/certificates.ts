import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { equalBytes, toHex } from '../bytes.ts';
import { namedCurveSpki } from '../crypto/explicit-curve.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { keyIdentifier } from '../pki/authority.ts';
import { type Authority, certificatePem, keyPem, orderCertificate } from '../pki/ceremony.ts';
import {
  type CeremonyAct,
  type CeremonyRecord,
  certificateAct,
  signCeremonyRecord,
} from '../pki/ceremony-record.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { certifiedSigner, keySigner } from '../pki/file-signer.ts';
import { derivationOf, deriveFileKey, keyDerivation } from '../pki/key-file.ts';
import { kindOf, newKey } from '../pki/key-kind.ts';
import type { CertifiedSigner, Signer } from '../pki/signer.ts';
import { makeTrustBundle, openTrustBundle, type TrustBundle, type TrustedKey } from '../pki/trust-bundle.ts';
import { compromiseKey, followingTrust, including, retireKey } from '../pki/trust-renewal.ts';
import {
  type CertificateAct,
  demandCertificate,
  registerCertificate,
  retireCertificate,
  revokeCertificate,
  serialText,
} from '../store/certificate.ts';
import { writeDurably } from '../store/durable-file.ts';
import { readKeyFile } from '../store/key-providers.ts';
import { type KeyRing, type KeySecrets, keyFile, openKeyRing } from '../store/keys.ts';
import { openNamedKey } from '../store/named-key.ts';
import {
  exists,
  moveInto,
  type PkiPaths,
  pkiPaths,
  readCertificateFile,
  removeFile,
  type SignerName,
  signerNames,
} from '../store/pki-folder.ts';
import { readPresent } from '../store/read-file.ts';
import type { CertificateRow } from '../store/schema.ts';
import { carriedCopies } from './carried.ts';
import type { OpenPost } from './open-post.ts';
import { isInToken, switchTokenKey, tokenKeyThatWaits } from './token-rotation.ts';

/** The certificates of an open post: who may act on them, and with which keys. */
export interface PkiContext extends KeySecrets {
  readonly post: OpenPost;
  readonly paths: PkiPaths;
  readonly ring: KeyRing;
  /** To the second. */
  readonly clock: () => Date;
  /** As the journal names actors. */
  readonly actor: string;
}

/** Opens the certificates of a post, and enters those that it has from its first day into the register. */
export async function openPki(
  post: OpenPost,
  { actor, ...secrets }: Pick<PkiContext, 'fileKey' | 'pin' | 'actor'>,
  now: () => Date = () => new Date(),
): Promise<PkiContext> {
  const context: PkiContext = {
    post,
    paths: pkiPaths(post.paths),
    ring: openKeyRing(post.paths, secrets, post.settings.keys),
    ...secrets,
    clock: () => new Date(Math.floor(now().getTime() / 1000) * 1000),
    actor,
  };
  const act = actOf(context);
  const present = await Promise.all(
    (['root', ...signerNames] as const).map(async (profile) => ({
      profile,
      der: await readCertificateFile(context.paths.certificate(profile)),
    })),
  );
  await post.store.transact(async (tx) => {
    for (const { profile, der } of present) if (der) await registerCertificate(tx, act, { profile, der });
  });
  return context;
}

export const actOf = ({ clock, actor }: PkiContext): CertificateAct => ({ at: clock().toISOString(), actor });

const sha256 = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);

/** The key of the root, brought from where it is kept, and what is done with it. */
export interface RootSession extends Authority {
  readonly acts: CeremonyAct[];
}

/**
 * @param file the encrypted key file of the root, or the URI of its key in a token
 * @param fileKey where its passphrase is another than that of the post
 * @throws ConsulError KEY_INVALID when it is not the key of the post's root; PASSPHRASE_WRONG
 */
export async function openRoot(
  context: PkiContext,
  file: string,
  fileKey: PkiContext['fileKey'] = context.fileKey,
): Promise<RootSession> {
  const signer = await openNamedKey(file, 'root', { ...context, fileKey });
  const certificate = await readCertificateFile(context.paths.certificate('root'));
  if (!certificate || !equalBytes(parseCertificate(certificate).spki, signer.publicKey))
    throw new ConsulError('KEY_INVALID', `${file} is not the key of the root of this post`);
  return { signer, certificate, acts: [] };
}

export interface CeremonyPeople {
  readonly operator: string;
  readonly witnesses: readonly string[];
  readonly place?: string;
  /** Name and version of the program. */
  readonly software: string;
}

/** Ends the use of the root's key: what was done with it is written down, signed by it, and kept. */
export async function recordCeremony(
  context: PkiContext,
  root: RootSession,
  { operator, witnesses, place, software }: CeremonyPeople,
): Promise<{ readonly record: CeremonyRecord; readonly file: string }> {
  const at = context.clock().toISOString();
  const record: CeremonyRecord = {
    kind: 'consul-ceremony',
    version: 1,
    at,
    software,
    ...(place ? { place } : {}),
    people: [
      { name: operator, role: 'operator' },
      ...witnesses.map((name) => ({ name, role: 'witness' as const })),
    ],
    root: toHex(await sha256(root.certificate)),
    acts: root.acts,
  };
  const signed = await signCeremonyRecord(record, root, nodeBackend.digest);
  const digest = toHex(await sha256(signed)).slice(0, 8);
  const file = `${context.paths.ceremonies}/${at.slice(0, 19).replace(/[-:]/g, '')}-${digest}.cose`;
  await writeDurably(file, signed);
  return { record, file };
}

/** What a post was founded with, for the record: nothing is made. */
export async function foundingActs(context: PkiContext, root: RootSession): Promise<void> {
  for (const profile of ['root', ...signerNames] as const) {
    const der = await readCertificateFile(context.paths.certificate(profile));
    if (der) root.acts.push(await certificateAct(profile, der, nodeBackend.digest));
  }
  const bundle = new Uint8Array(await readFile(context.post.paths.trust));
  const { sequence } = await openTrustBundle(bundle, nodeBackend);
  root.acts.push({ act: 'trust-bundle', sequence, sha256: toHex(await sha256(bundle)) });
}

/** The key of a signer that is in its place. */
export async function presentSigner(context: PkiContext, name: SignerName): Promise<Signer> {
  return name === 'ocsp'
    ? keySigner(await readKeyFile(context.paths.key(name), name, context.fileKey))
    : context.ring.signer(name);
}

export async function presentCertificate(context: PkiContext, name: SignerName): Promise<Uint8Array> {
  const der = await readCertificateFile(context.paths.certificate(name));
  if (!der) throw new ConsulError('CERTIFICATE_UNKNOWN', `the post has no certificate ${name}`);
  return der;
}

export async function presentAuthority(context: PkiContext): Promise<Authority> {
  const [signer, certificate] = await Promise.all([
    presentSigner(context, 'issuing-ca'),
    presentCertificate(context, 'issuing-ca'),
  ]);
  return { signer, certificate };
}

/** The OCSP responder of the post, where it has one. */
export async function presentResponder(context: PkiContext): Promise<CertifiedSigner | undefined> {
  const certificate = await readCertificateFile(context.paths.certificate('ocsp'));
  if (!certificate) return undefined;
  const key = await readKeyFile(context.paths.key('ocsp'), 'ocsp', context.fileKey);
  return certifiedSigner(key, certificate, []);
}

/** An encrypted file that the passphrase of the post opens. */
export async function writeKey(context: PkiContext, file: string, key: KeyObject): Promise<void> {
  const pem = await readFile(keyFile(context.post.paths, 'pieces'), 'utf8');
  const derivation = derivationOf(pem, 'pieces');
  const encrypted = keyPem(key, await context.fileKey(derivation), derivation, nodeBackend.random);
  await writeDurably(file, encrypted, { mode: 0o600 });
}

async function keyThatWaits(context: PkiContext, name: SignerName): Promise<Signer> {
  const present = await readCertificateFile(context.paths.certificate(name));
  const kind = present ? kindOf(parseCertificate(present).spki) : 'P-256';
  if (name !== 'ocsp' && isInToken(context, name)) return tokenKeyThatWaits(context, name, kind);
  const file = context.paths.nextKey(name);
  if (await exists(file)) return keySigner(await readKeyFile(file, name, context.fileKey));
  const key = newKey(kind);
  await writeKey(context, file, key);
  return keySigner(key);
}

/** Whether a certificate is of this key, by this authority. */
function isOf(der: Uint8Array, { publicKey }: Signer, authority: Authority): boolean {
  const { spki, extensions } = parseCertificate(der);
  const issuer = parseCertificate(authority.certificate).extensions.subjectKeyIdentifier;
  const named = extensions.authorityKeyIdentifier;
  return (
    equalBytes(namedCurveSpki(spki), publicKey) &&
    issuer !== undefined &&
    named !== undefined &&
    equalBytes(named, issuer)
  );
}

/** A certificate that waits to take the place of another; what an interrupted run left is taken up. */
async function stage(
  context: PkiContext,
  name: SignerName,
  authority: Authority,
  newKeyToo: boolean,
): Promise<{ readonly signer: Signer; readonly certificate: Uint8Array }> {
  const { post, paths, clock } = context;
  const waiting = await readCertificateFile(paths.nextCertificate(name));
  const waits =
    (await exists(paths.nextKey(name))) || (name !== 'ocsp' && (await exists(paths.nextLabel(name))));
  const renewed = newKeyToo || waits;
  const signer = renewed ? await keyThatWaits(context, name) : await presentSigner(context, name);
  if (waiting && isOf(waiting, signer, authority)) return { signer, certificate: waiting };
  const certificate = await orderCertificate({
    post: post.settings.post,
    profile: name,
    subjectKey: signer,
    authority,
    now: clock(),
    random: nodeBackend.random,
    ocsp: name !== 'issuing-ca' && (await exists(paths.certificate('ocsp'))),
  });
  await post.store.transact((tx) =>
    registerCertificate(tx, actOf(context), { profile: name, der: certificate }),
  );
  await writeDurably(paths.nextCertificate(name), certificatePem(certificate));
  return { signer, certificate };
}

/** Puts what waits in its place. The key that it replaces is destroyed; that of an authority goes on signing CRLs. */
export async function switchTo(context: PkiContext, name: SignerName): Promise<void> {
  const { paths } = context;
  if (!(await exists(paths.nextCertificate(name))))
    throw new ConsulError('USAGE', `no certificate of the ${name} waits to be used`);
  const present = await readCertificateFile(paths.certificate(name));
  if ((await exists(paths.nextKey(name))) && name === 'issuing-ca' && present) {
    const retired = paths.retiredKey(serialText(parseCertificate(present).serial));
    if (!(await exists(retired)))
      await writeDurably(retired, await readFile(paths.key(name)), { mode: 0o600 });
  }
  if (name !== 'ocsp')
    await switchTokenKey(
      context,
      name,
      name === 'issuing-ca' && present ? serialText(parseCertificate(present).serial) : undefined,
    );
  await moveInto(paths.nextKey(name), paths.key(name));
  await moveInto(paths.nextCertificate(name), paths.certificate(name));
}

export async function waitingNames(context: PkiContext): Promise<readonly SignerName[]> {
  const waiting = await Promise.all(signerNames.map((name) => exists(context.paths.nextCertificate(name))));
  return signerNames.filter((_name, i) => waiting[i]);
}

const useOf: Readonly<Partial<Record<SignerName, TrustedKey['use']>>> = {
  'document-signer': 'document',
  'seal-signer': 'seal',
  'vds-signer': 'vds',
  tsa: 'timestamp',
};

export async function readTrust(context: PkiContext): Promise<TrustBundle> {
  return openTrustBundle(await readPresent(context.post.paths.trust), nodeBackend);
}

/** Signs and puts in place the bundle that follows. @throws ConsulError TRUST_ROLLBACK */
export async function renewTrust(
  context: PkiContext,
  root: RootSession,
  change: Parameters<typeof followingTrust>[2] = {},
): Promise<TrustBundle> {
  const before = await readTrust(context);
  const copies = await carriedCopies(context.post, before);
  const content = followingTrust(before, context.clock(), { ...copies, ...change });
  const bytes = await makeTrustBundle(content, root.signer, nodeBackend.digest);
  const bundle = await openTrustBundle(bytes, nodeBackend);
  await writeDurably(context.post.paths.trust, bytes);
  root.acts.push({ act: 'trust-bundle', sequence: bundle.sequence, sha256: toHex(await sha256(bytes)) });
  return bundle;
}

export interface Replacement {
  readonly name: SignerName;
  readonly before: Uint8Array | undefined;
  readonly certificate: Uint8Array;
}

export interface ReplaceOptions {
  readonly names: readonly SignerName[];
  /** Which of them get another key, not only another certificate. */
  readonly newKeys: readonly SignerName[];
  /** Days during which the key that is replaced goes on signing; `switchTo` ends them. */
  readonly overlapDays: number;
  /** Certificates whose keys fell into other hands. */
  readonly compromised?: {
    readonly since: Date;
    readonly index: number;
    readonly names: readonly SignerName[];
  };
}

/**
 * Replaces signers: new certificates, with new keys where they are wanted; the old ones retired in trust bundle and
 * register, the new ones active. Each step is durable before the next, and the same call continues after a crash.
 * @throws ConsulError TOKEN_UNAVAILABLE, PIN_WRONG for keys in tokens
 */
export async function replaceSigners(
  context: PkiContext,
  root: RootSession | undefined,
  { names, newKeys, overlapDays, compromised }: ReplaceOptions,
): Promise<readonly Replacement[]> {
  const { post, paths, clock } = context;
  let authority: Authority | undefined;
  const replacements: Replacement[] = [];
  for (const name of signerNames.filter((one) => names.includes(one))) {
    if (name === 'issuing-ca' && !root)
      throw new ConsulError('USAGE', 'only the root can issue an authority: name its key with --root-key');
    const by =
      name === 'issuing-ca' ? (root as RootSession) : (authority ?? (await presentAuthority(context)));
    const before = await readCertificateFile(paths.certificate(name));
    const { signer, certificate } = await stage(context, name, by, newKeys.includes(name));
    if (name === 'issuing-ca') authority = { signer, certificate };
    replacements.push({ name, before, certificate });
    if (root) root.acts.push(await certificateAct(name, certificate, nodeBackend.digest));
  }

  const lastSigning = new Date(clock().getTime() + overlapDays * 86_400_000);
  if (root) {
    const trust = await readTrust(context);
    let { keys, authorities } = trust;
    for (const { name, before, certificate } of replacements) {
      const use = useOf[name];
      if (name === 'issuing-ca') authorities = including(authorities, certificate);
      if (!use) continue;
      if (before)
        keys = compromised?.names.includes(name)
          ? compromiseKey(keys, before, compromised.index)
          : retireKey(keys, before, lastSigning);
      if (!keys.some((key) => equalBytes(key.certificate, certificate)))
        keys = [...keys, { certificate, use, post: post.settings.post.code, state: 'active' }];
    }
    await renewTrust(context, root, { keys, authorities });
  }
  await post.store.transact(async (tx) => {
    for (const { name, before } of replacements) {
      if (!before) continue;
      const serial = serialText(parseCertificate(before).serial);
      if (compromised?.names.includes(name)) {
        const reason = name === 'issuing-ca' ? 'cACompromise' : 'keyCompromise';
        const revocation = { since: compromised.since, reason, compromisedSince: compromised.index } as const;
        if ((await demandCertificate(tx, serial)).compromisedSince === null)
          await revokeCertificate(tx, actOf(context), serial, revocation);
      } else await retireCertificate(tx, actOf(context), serial, lastSigning);
    }
  });
  if (overlapDays === 0) for (const { name } of replacements) await switchTo(context, name);
  return replacements;
}

/** Everything under the authority: a new key of the authority needs new certificates for them. */
export async function underAuthority(context: PkiContext): Promise<readonly SignerName[]> {
  const present = await Promise.all(signerNames.map((name) => exists(context.paths.certificate(name))));
  return signerNames.filter((_name, i) => present[i]);
}

/** Gives the post an OCSP responder. @throws ConsulError FILE_EXISTS when it has one */
export async function issueResponder(context: PkiContext): Promise<Uint8Array> {
  if (await exists(context.paths.certificate('ocsp')))
    throw new ConsulError('FILE_EXISTS', 'the post has an OCSP responder: rotate or renew it');
  const options = { names: ['ocsp'], newKeys: ['ocsp'], overlapDays: 0 } as const;
  const [made] = await replaceSigners(context, undefined, options);
  return (made as Replacement).certificate;
}

/**
 * A certificate and a key file for an agent, who signs decisions with a key of their own.
 * @param passphrase of the agent, which nobody else at the post knows: it encrypts the key
 */
export async function issueAgent(
  context: PkiContext,
  name: string,
  passphrase: Uint8Array,
): Promise<{ readonly certificate: Uint8Array; readonly keyPem: string }> {
  const key = newKey('P-256');
  const certificate = await certifyAgent(context, name, keySigner(key));
  const derivation = keyDerivation(nodeBackend.random(16), 'chosen');
  const fileKey = await deriveFileKey(passphrase, derivation);
  return { certificate, keyPem: keyPem(key, fileKey, derivation, nodeBackend.random) };
}

/** A certificate for a key that the agent has, as on a card of their own. */
export async function certifyAgent(
  context: PkiContext,
  name: string,
  subjectKey: Signer,
): Promise<Uint8Array> {
  const { post, clock } = context;
  const certificate = await orderCertificate({
    post: post.settings.post,
    profile: 'agent',
    agent: name,
    subjectKey,
    authority: await presentAuthority(context),
    now: clock(),
    random: nodeBackend.random,
    ocsp: await exists(context.paths.certificate('ocsp')),
  });
  await post.store.transact((tx) =>
    registerCertificate(tx, actOf(context), { profile: 'agent', der: certificate }),
  );
  return certificate;
}

export interface Place {
  readonly name: SignerName;
  /** Whether it is in its place, or waits to take it. */
  readonly waits: boolean;
}

/** Where a certificate is used, if it is. */
export async function placeOf({ paths }: PkiContext, row: CertificateRow): Promise<Place | undefined> {
  for (const name of signerNames)
    for (const [file, waits] of [
      [paths.certificate(name), false],
      [paths.nextCertificate(name), true],
    ] as const) {
      const present = await readCertificateFile(file);
      if (present && equalBytes(present, row.der)) return { name, waits };
    }
  return undefined;
}

/** Gives up what waits to take a place. */
export async function discardWaiting({ paths }: PkiContext, name: SignerName): Promise<void> {
  await removeFile(paths.nextCertificate(name));
  await removeFile(paths.nextKey(name));
  if (name !== 'ocsp') await removeFile(paths.nextLabel(name));
}

/**
 * Revokes a certificate that is not in use; its key is then worth nothing, and the next CRL says so.
 * @throws ConsulError CERTIFICATE_UNKNOWN, CERTIFICATE_REVOKED, CERTIFICATE_IN_USE
 */
export async function revoke(
  context: PkiContext,
  serial: string,
  reason: Parameters<typeof revokeCertificate>[3]['reason'],
): Promise<CertificateRow> {
  if (reason === 'keyCompromise' || reason === 'cACompromise')
    throw new ConsulError(
      'USAGE',
      'a key in other hands concerns documents too: use `consul pki compromised`',
    );
  const row = await demandCertificate(context.post.store.read, serial);
  const place = await placeOf(context, row);
  if (place || row.profile === 'root')
    throw new ConsulError('CERTIFICATE_IN_USE', `${row.serial} is the ${place?.name ?? 'root'} of this post`);
  const since = context.clock();
  await context.post.store.transact((tx) =>
    revokeCertificate(tx, actOf(context), row.serial, { since, reason }),
  );
  return demandCertificate(context.post.store.read, row.serial);
}

/** The name of an authority's files: its key identifier. */
export const authorityName = (certificate: Uint8Array): string =>
  keyIdentifier(parseCertificate(certificate).spki);
