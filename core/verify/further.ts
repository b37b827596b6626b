import { usedAlgorithms } from '../cms/verify.ts';
import type { PdfFile } from '../pdf/read/document.ts';
import { acceptableUntilAll } from './algorithms.ts';
import type { VerifyContext } from './context.ts';
import type { SubIndication } from './report.ts';
import type { SignedAt } from './revocation.ts';
import { hasStrangers, type PlacedSignature, verifySignature } from './signature.ts';
import { judgeToken } from './timestamps.ts';
import { shownName } from './trust.ts';
import { type Checklist, type MessageKey, say, sayDay, sayTime } from './words.ts';

/**
 * The signatures of those who signed after the post: of an agent with a certificate by its authority, of another post.
 * Each must be as good as that of the document, with a time-stamp of its own.
 * @returns those that are
 */
export async function checkFurther(
  file: PdfFile,
  signatures: readonly PlacedSignature[],
  logIndex: number | undefined,
  list: Checklist,
  context: VerifyContext,
): Promise<readonly SignedAt[]> {
  const { trust } = context;
  const good: SignedAt[] = [];
  for (const signature of signatures) {
    const refused = (
      subIndication: SubIndication,
      key: MessageKey,
      values: Record<string, string> = {},
    ): void =>
      list.refused('further-signature', subIndication, 'further-signature.failed', {
        field: signature.name,
        detail: say(list.language, key, values),
      });
    const cms = await verifySignature(file, signature, trust);
    if (!('valid' in cms)) {
      refused(cms.subIndication, cms.key, { detail: cms.detail ?? '' });
      continue;
    }
    const { certificate, signed } = cms;
    const { signature: value, unsigned } = signed.signer;
    const token = unsigned.signatureTimestamp;
    if (!token) {
      refused('SIG_CONSTRAINTS_FAILURE', 'timestamp.missing');
      continue;
    }
    const proven = await judgeToken(token, (name) => trust.backend.digest(name, value), logIndex, context);
    if ('part' in proven) {
      refused(proven.subIndication, proven.key, proven.values);
      continue;
    }
    const { time } = proven;
    if (time.getTime() >= acceptableUntilAll(usedAlgorithms(cms), trust.algorithms)) {
      refused('CRYPTO_CONSTRAINTS_FAILURE', 'algorithms.signature', { day: sayDay(list.language, time) });
      continue;
    }
    const values = { name: shownName(certificate), time: sayTime(list.language, time) };
    const pathAt = trust.known('document', certificate.bytes)?.pathAt ?? trust.personPath(certificate);
    const path = await pathAt(time);
    if (!path.ok) refused('CHAIN_CONSTRAINTS_FAILURE', 'signer.path', { ...values, detail: path.message });
    else if (hasStrangers(signed, trust, certificate.bytes))
      refused('NO_CERTIFICATE_CHAIN_FOUND', 'signature-format.strange');
    else {
      list.passed('further-signature', 'further-signature.passed', values);
      good.push({ certificate, pathAt, time });
    }
  }
  return good;
}
