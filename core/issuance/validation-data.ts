import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import type { ValidationData } from '../pdf/evidence.ts';
import { type Certificate, parseCertificate } from '../pki/certificate.ts';
import { type Crl, parseCrl } from '../pki/crl.ts';
import { type OcspResponse, parseOcspResponse } from '../pki/ocsp.ts';
import { type PathInput, type PathResult, validatePath } from '../pki/path.ts';
import type { Signer } from '../pki/signer.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { VerifiedLinks } from '../pki/verified-links.ts';
import { serialText } from '../store/certificate.ts';
import type { PostPaths } from '../store/post-folder.ts';
import { readIfThere, readPresent } from '../store/read-file.ts';
import { authorityName } from './certificates.ts';
import { type ListPlace, listDays, publishList } from './revocation-lists.ts';

export interface ValidationPlace extends ListPlace {
  readonly trust: PostPaths['trust'];
  /** The issuing authority of today, whose list is renewed where it has to be. */
  readonly issuing: { readonly certificate: Uint8Array; readonly signer: () => Promise<Signer> };
}

/** A certificate that signed, and when. */
export interface SignedWith {
  /** A time-stamp may be of an authority that is under another root; the trust bundle answers for that one. */
  readonly use: 'signature' | 'timestamp';
  readonly certificate: Uint8Array;
  readonly at: Date;
}

/** A list that ends so soon is renewed: it is to outlast what is made with it, a large batch too. */
const renewBefore = 86_400_000;
/** Answers about single certificates (RFC 6960) stand in for a list that would take more room than the document. */
const longestList = 8 * 1024;

function unavailable(why: string, cause?: unknown): never {
  throw new ConsulError('CRL_UNAVAILABLE', why, { cause });
}

function readList(bytes: Uint8Array | undefined): Crl | undefined {
  if (!bytes) return undefined;
  try {
    return parseCrl(bytes);
  } catch (error) {
    // A damaged list is as good as none.
    if (error instanceof ConsulError) return undefined;
    throw error;
  }
}

/** The list of an authority that is in force now. */
async function presentList(place: ValidationPlace, authority: Certificate): Promise<Crl> {
  const now = place.clock();
  const file = place.paths.crl(authorityName(authority.bytes));
  const kept = readList(await readIfThere(file));
  const left = kept ? kept.nextUpdate.getTime() - now.getTime() : -1;
  const { certificate, signer } = place.issuing;
  const own = authorityName(certificate) === authorityName(authority.bytes);
  if (own && left < renewBefore) {
    const made = await publishList(place, { certificate, signer: await signer() }, listDays.issuing);
    return parseCrl(made.crl);
  }
  if (!kept) return unavailable(`the revocation list of ${authority.subject.text} is missing (${file})`);
  if (left < 0)
    return unavailable(
      `the revocation list of ${authority.subject.text} ended on ${kept.nextUpdate.toISOString().slice(0, 10)} (${file})`,
    );
  return kept;
}

/** The answer of the post's responder about a certificate, where one was published. */
async function publishedAnswer(
  { paths }: ValidationPlace,
  { serial }: Certificate,
  issuer: Certificate,
): Promise<OcspResponse | undefined> {
  const bytes = await readIfThere(paths.ocsp(authorityName(issuer.bytes), `${serialText(serial)}.ocsp`));
  return bytes && parseOcspResponse(bytes);
}

/** @throws ConsulError CERTIFICATE_REVOKED, CRL_UNAVAILABLE, CERTIFICATE_UNKNOWN, CERTIFICATE_INVALID */
function demandValid(result: PathResult): readonly Certificate[] {
  if (result.ok) return result.path;
  switch (result.reason) {
    case 'revoked':
      throw new ConsulError('CERTIFICATE_REVOKED', result.message);
    case 'revocation-unknown':
      return unavailable(result.message);
    case 'no-path':
    case 'bad-signature':
      throw new ConsulError('CERTIFICATE_UNKNOWN', result.message);
    default:
      throw new ConsulError('CERTIFICATE_INVALID', result.message);
  }
}

/**
 * What signatures are validated with (ETSI EN 319 142-1 §5.4): the authorities above the certificates that made them, and
 * fresh revocation lists of these, or answers about single certificates. What is given was proven to be enough.
 * @throws ConsulError CRL_UNAVAILABLE where a list is missing or out of date and cannot be renewed here;
 *   CERTIFICATE_REVOKED; CERTIFICATE_UNKNOWN for a signer under no authority of the trust bundle, CERTIFICATE_INVALID;
 *   TRUST_INVALID
 */
export async function validationData(
  place: ValidationPlace,
  signers: readonly SignedWith[],
): Promise<ValidationData> {
  const bundle = await openTrustBundle(await readPresent(place.trust), nodeBackend);
  const common = {
    intermediates: bundle.authorities.map((der) => parseCertificate(der)),
    anchors: [parseCertificate(bundle.root)],
    verifiedLinks: new VerifiedLinks(),
  };
  const paths: PathInput[] = [];
  const lists = new Map<string, Crl>();
  const certificates = new Map<string, Uint8Array>();
  const ocsp: OcspResponse[] = [];
  for (const { use, certificate, at } of signers) {
    const path = { ...common, leaf: parseCertificate(certificate), time: at };
    const found = await validatePath(path, nodeBackend);
    if (use === 'timestamp' && !found.ok && found.reason === 'no-path') continue;
    const [leaf, ...above] = demandValid(found);
    paths.push(path);
    for (const authority of above) {
      const name = authorityName(authority.bytes);
      certificates.set(name, authority.bytes);
      if (!lists.has(name)) lists.set(name, await presentList(place, authority));
    }
    const [issuer] = above;
    const answer = leaf && issuer && (await publishedAnswer(place, leaf, issuer));
    if (answer) ocsp.push(answer);
  }
  const crls = [...lists.values()];
  const short = crls.filter(({ bytes }) => bytes.length <= longestList);
  const prove = async (revocation: NonNullable<PathInput['revocation']>): Promise<ValidationData> => {
    for (const path of paths)
      demandValid(
        await validatePath({ ...path, revocation: { ...revocation, freshAt: place.clock() } }, nodeBackend),
      );
    return {
      certificates: [...certificates.values()],
      crls: revocation.crls.map(({ bytes }) => bytes),
      ocsps: (revocation.ocsp ?? []).map(({ bytes }) => bytes),
    };
  };
  if (short.length === crls.length || ocsp.length < paths.length) return prove({ crls });
  return prove({ crls: short, ocsp }).catch(() => prove({ crls }));
}
