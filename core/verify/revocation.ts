import { ConsulError } from '../errors.ts';
import type { PdfFile } from '../pdf/read/document.ts';
import type { Certificate } from '../pki/certificate.ts';
import { type Crl, parseCrl } from '../pki/crl.ts';
import { equalNames } from '../pki/name.ts';
import { type OcspResponse, parseOcspResponse } from '../pki/ocsp.ts';
import { LinkChecker } from '../pki/verified-links.ts';
import type { VerifyContext } from './context.ts';
import type { ProvenTimes } from './timestamps.ts';
import { type KnownKey, shownName, type Trust } from './trust.ts';
import { type Checklist, sayDay, sayTime } from './words.ts';

/** Validation data of the document security store. */
interface StoredEvidence {
  readonly certificates: readonly Uint8Array[];
  /** The newest first. */
  readonly crls: readonly Crl[];
  readonly ocsps: readonly OcspResponse[];
}

/** Each costs a path for everyone who signed; a document that is renewed yearly has fewer. */
const mostItems = 64;

/** Whether the evidence in a document was enough, and then whether a document timestamp covers it and all else. */
export type EvidenceState = 'stored' | 'archived';

/** Who signed with a certificate, and when. */
export interface SignedAt {
  readonly certificate: Certificate;
  readonly pathAt: KnownKey['pathAt'];
  readonly time: Date;
}

/** @throws ConsulError for what is malformed, or too much */
function readStore(file: PdfFile): StoredEvidence {
  const store = file.dict(file.catalog().get('DSS'));
  const items = (key: string): readonly Uint8Array[] => {
    const list = file.array(store?.get(key)) ?? [];
    if (list.length > mostItems)
      throw new ConsulError('PDF_TOO_COMPLEX', `more than ${mostItems} items in /${key}`);
    return list.map((item) => {
      const stream = file.stream(item);
      if (!stream) throw new ConsulError('PDF_INVALID', `/${key}`);
      return file.data(stream);
    });
  };
  return {
    certificates: items('Certs'),
    crls: items('CRLs')
      .map(parseCrl)
      .sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime()),
    ocsps: items('OCSPs').map(parseOcspResponse),
  };
}

/** More are in no honest document. */
const mostEvidenceChecks = 64;

/** Whether an authority of the bundle, or a responder that it lets answer for it, signed this. */
async function isVouchedFor(
  evidence: Crl | OcspResponse,
  { authorities: { algorithms, root, others, verifiedLinks }, backend }: Trust,
): Promise<boolean> {
  const links = new LinkChecker(backend, verifiedLinks, mostEvidenceChecks, algorithms);
  const [at, responders] =
    'responses' in evidence ? [evidence.producedAt, evidence.certificates] : [evidence.thisUpdate, []];
  for (const authority of [root, ...others]) {
    if ('issuer' in evidence && !equalNames(evidence.issuer, authority.subject)) continue;
    if ((await links.check(authority, evidence, at)) === 'good') return true;
    for (const responder of responders)
      if (
        (await links.check(authority, responder, at)) === 'good' &&
        (await links.check(responder, evidence, at)) === 'good'
      )
        return true;
  }
  return false;
}

/** Whether everything in the store comes from authorities that the bundle knows. */
async function isKnown({ certificates, crls, ocsps }: StoredEvidence, trust: Trust): Promise<boolean> {
  if (certificates.some((certificate) => !trust.holds(certificate))) return false;
  for (const item of [...crls, ...ocsps]) if (!(await isVouchedFor(item, trust))) return false;
  return true;
}

type Status = 'good' | 'unknown' | { readonly revoked: Date };

/**
 * Whether a certificate was good when it signed (ETSI EN 319 102-1 §5.6.2.1): a later revocation harms nothing. Evidence
 * serves for its own time, or for the signing time where it was fresh then; the newest list has the first word.
 */
async function statusOf({ pathAt, time }: SignedAt, { crls, ocsps }: StoredEvidence): Promise<Status> {
  const made = [...crls.map((crl) => crl.thisUpdate), ...ocsps.map((answer) => answer.producedAt)];
  const controls = new Set(made.map((date) => Math.max(date.getTime(), time.getTime())));
  let good = false;
  for (const control of controls) {
    const result = await pathAt(time, { crls, ocsp: ocsps, freshAt: new Date(control) });
    if (result.ok) good = true;
    else if (result.revocation) return { revoked: result.revocation.date };
  }
  return good ? 'good' : 'unknown';
}

/**
 * Revocation of all who signed, by the lists and answers that the document carries: each counts only after it is checked
 * against the bundle. Where they are silent about a certificate, the bundle has the word.
 * @param signers that of the document first
 * @returns undefined where the document carries none, or too little
 */
export async function checkRevocation(
  file: PdfFile,
  signers: readonly SignedAt[],
  { signed, archived }: ProvenTimes,
  list: Checklist,
  { trust }: VerifyContext,
): Promise<EvidenceState | undefined> {
  if (!file.catalog().has('DSS')) return undefined;
  let store: StoredEvidence;
  try {
    store = readStore(file);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    list.refused('revocation', 'FORMAT_FAILURE', 'revocation.broken', { detail: error.message });
    return undefined;
  }
  if (!(await isKnown(store, trust))) {
    list.refused('revocation', 'NO_CERTIFICATE_CHAIN_FOUND', 'revocation.strange');
    return undefined;
  }
  const stamps = [...(signed ? [signed] : []), ...archived].map(({ authority, time }) => ({
    ...authority,
    time,
  }));
  // Of the last token nothing in the document can say more than the bundle.
  const concerned = [...signers, ...stamps.slice(0, archived.length > 0 ? -1 : undefined)];
  let silent: Certificate | undefined;
  for (const signer of concerned) {
    const status = await statusOf(signer, store);
    const name = shownName(signer.certificate);
    if (status === 'unknown') silent ??= signer.certificate;
    else if (status !== 'good') {
      const values = { name, date: sayTime(list.language, status.revoked) };
      list.refused('revocation', 'REVOKED', 'revocation.revoked', values);
      return undefined;
    }
  }
  if (silent) {
    list.notChecked('revocation', 'revocation.unknown', { name: shownName(silent) });
    return undefined;
  }
  const [newest] = store.crls;
  list.passed('revocation', 'revocation.passed', {
    date: newest ? sayDay(list.language, newest.thisUpdate) : '',
  });
  return archived.at(-1)?.revision === file.revisions.length - 1 ? 'archived' : 'stored';
}
