import { equalBytes, toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import type { Authority } from '../pki/ceremony.ts';
import { type Certificate, parseCertificate } from '../pki/certificate.ts';
import type { RevocationReason } from '../pki/crl.ts';
import { makeCrl } from '../pki/crl-make.ts';
import { keySigner } from '../pki/file-signer.ts';
import type { OcspStatus } from '../pki/ocsp.ts';
import { ocspResponder } from '../pki/ocsp-make.ts';
import { makeOcspRequest } from '../pki/ocsp-request.ts';
import { allCertificates, certificatesBy, findCertificate, serialText } from '../store/certificate.ts';
import { advance } from '../store/counter.ts';
import { writeDurably } from '../store/durable-file.ts';
import { readKeyFile } from '../store/key-providers.ts';
import { answerName, exists, type PkiPaths } from '../store/pki-folder.ts';
import type { CertificateRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import {
  authorityName,
  type PkiContext,
  presentAuthority,
  presentResponder,
  type RootSession,
} from './certificates.ts';
import { retiredTokenKey } from './token-rotation.ts';

const dayMilliseconds = 86_400_000;
/** How long a list of the issuing authority, and one of the root, may be relied on. */
export const listDays = { issuing: 8, root: 200 } as const;

export interface PublishedList {
  readonly file: string;
  /** RFC 4514. */
  readonly issuer: string;
  readonly number: number;
  readonly entries: number;
  readonly nextUpdate: Date;
}

/** The authorities whose keys are at hand: the present one, those before it, and the root where it was brought. */
async function authoritiesAtHand(
  context: PkiContext,
  root: RootSession | undefined,
): Promise<ReadonlyMap<string, Authority>> {
  const present = await presentAuthority(context);
  const found = new Map<string, Authority>();
  if (root) found.set(authorityName(root.certificate), root);
  for (const row of await allCertificates(context.post.store.read)) {
    const file = context.paths.retiredKey(row.serial);
    if (row.profile !== 'issuing-ca') continue;
    const signer = (await exists(file))
      ? keySigner(await readKeyFile(file, row.serial, context.fileKey))
      : await retiredTokenKey(context, row.serial);
    if (!signer) continue;
    found.set(authorityName(row.der), { signer, certificate: row.der });
  }
  return found.set(authorityName(present.certificate), present);
}

/** Where the lists of a post lie, and what they say. */
export interface ListPlace {
  readonly store: Store;
  readonly paths: PkiPaths;
  /** To the second. */
  readonly clock: () => Date;
}

/** Signs the revocation list of one authority, and writes it with the certificate of the authority. */
export async function publishList(
  { store, paths, clock }: ListPlace,
  authority: Authority,
  days: number,
): Promise<PublishedList & { readonly crl: Uint8Array }> {
  const name = authorityName(authority.certificate);
  const issuer = parseCertificate(authority.certificate);
  const number = await store.transact((tx) => advance(tx, `crl/${name}`, 1, 1));
  // A CRL speaks for the name of its issuer (RFC 5280 §5.1.2.3), whichever key the authority had at the time.
  const rows = await certificatesBy(store.read, issuer.subject.text);
  const revoked = rows.flatMap(({ der, revokedAt, reason }) =>
    revokedAt === null
      ? []
      : [
          {
            serial: parseCertificate(der).serial,
            date: new Date(revokedAt),
            reason: reason as RevocationReason,
          },
        ],
  );
  const thisUpdate = clock();
  const nextUpdate = new Date(thisUpdate.getTime() + days * dayMilliseconds);
  const { certificate, signer } = authority;
  // Nothing is ever taken off, so the list answers for what has expired too.
  const expiredSince = issuer.notBefore;
  const crl = await makeCrl({
    issuer: certificate,
    signer,
    number,
    thisUpdate,
    nextUpdate,
    revoked,
    expiredSince,
  });
  await writeDurably(paths.crl(name), crl);
  await writeDurably(paths.authority(name), certificate);
  const file = paths.crl(name);
  return { file, issuer: issuer.subject.text, number, entries: revoked.length, nextUpdate, crl };
}

/**
 * Signs the revocation lists of the authorities whose keys are at hand, and writes them where the certificates say
 * that they are found, with the certificates of the authorities.
 * @param days how long the lists may be relied on
 */
export async function publishLists(
  context: PkiContext,
  root?: RootSession,
  days?: number,
): Promise<readonly PublishedList[]> {
  const lists: PublishedList[] = [];
  for (const authority of (await authoritiesAtHand(context, root)).values()) {
    const isRoot = authority === root;
    const { crl, ...list } = await publishList(
      { ...context, store: context.post.store },
      authority,
      days ?? (isRoot ? listDays.root : listDays.issuing),
    );
    const { issuer, number } = list;
    if (isRoot) root.acts.push({ act: 'crl', issuer, number, sha256: await digestOf(crl) });
    lists.push(list);
  }
  return lists;
}

const digestOf = async (bytes: Uint8Array): Promise<string> =>
  toHex(await nodeBackend.digest('sha256', bytes));

/** An OCSP question names the key of the issuer, not only its name. */
function isUnder({ der }: CertificateRow, { extensions }: Certificate): boolean {
  const named = parseCertificate(der).extensions.authorityKeyIdentifier;
  const own = extensions.subjectKeyIdentifier;
  return named !== undefined && own !== undefined && equalBytes(named, own);
}

const statusOf = (row: CertificateRow | undefined): OcspStatus => {
  if (!row) return { status: 'unknown' };
  if (row.revokedAt === null) return { status: 'good' };
  return { status: 'revoked', date: new Date(row.revokedAt), reason: row.reason as RevocationReason };
};

/**
 * The OCSP responder of a post: bytes of a request in, bytes of a response out. Undefined where it has none.
 * @param days how long an answer holds
 */
export async function postResponder(
  context: PkiContext,
  days: number = listDays.issuing,
): Promise<((request: Uint8Array) => Promise<Uint8Array>) | undefined> {
  const { post, clock } = context;
  const responder = await presentResponder(context);
  if (!responder) return undefined;
  const issuer = parseCertificate((await presentAuthority(context)).certificate);
  return ocspResponder({
    issuer,
    responder,
    statusOf: async (serial) => {
      const row = await findCertificate(post.store.read, serialText(serial));
      return statusOf(row && isUnder(row, issuer) ? row : undefined);
    },
    clock,
    validity: days * 86_400,
    archiveCutoff: issuer.notBefore,
    digest: nodeBackend.digest,
  });
}

/** Whether base64, whose slashes are those of folders, names a file: a few end with one or have two together. */
const isFileName = (base64: string): boolean => !/\/(?:\/|$)/.test(base64);

/**
 * Writes an answer for every certificate of the issuing authority and for each of the digests by which clients name it
 * (RFC 5019 has SHA-1, newer ones SHA-256): under its serial number, for `answerArchive`, and under the name by which a
 * client asks with GET (RFC 6960 appendix A.1, RFC 5019 §5), so that any web server can answer; the few
 * questions whose name is none of a file are answered by `consul serve ocsp` alone.
 * @returns for how many certificates; undefined where the post has no responder
 */
export async function publishAnswers(context: PkiContext, days?: number): Promise<number | undefined> {
  const respond = await postResponder(context, days);
  if (!respond) return undefined;
  const authority = (await presentAuthority(context)).certificate;
  const issuer = parseCertificate(authority);
  const name = authorityName(authority);
  let count = 0;
  for (const row of await certificatesBy(context.post.store.read, issuer.subject.text)) {
    if (row.profile === 'ocsp' || !isUnder(row, issuer)) continue;
    const certificates = [parseCertificate(row.der)];
    for (const hash of ['sha1', 'sha256'] as const) {
      const request = await makeOcspRequest({ certificates, issuer, hash }, nodeBackend.digest);
      const answer = await respond(request);
      await writeDurably(context.paths.ocsp(name, answerName(row.serial, hash)), answer);
      const asked = Buffer.from(request).toString('base64');
      if (isFileName(asked)) await writeDurably(context.paths.ocsp(name, asked), answer);
    }
    count++;
  }
  return count;
}
