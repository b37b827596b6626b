import { usedAlgorithms, type VerifiedSignedData } from '../cms/verify.ts';
import type { Awaitable, DigestName } from '../crypto/backend.ts';
import type { PdfFile } from '../pdf/read/document.ts';
import { checkToken, usedInToken } from '../time/token.ts';
import { acceptableUntilAll, refuseAlgorithms } from './algorithms.ts';
import { clockSkew, type VerifyContext } from './context.ts';
import type { SubIndication } from './report.ts';
import { digestOf, hasStrangers, isLowerCase, type PlacedSignature } from './signature.ts';
import { type KnownKey, keyState, shownName } from './trust.ts';
import { type Checklist, type MessageKey, say, sayTime } from './words.ts';

/** A time that the token of a known authority proves for what it is over. */
export interface ProvenTime {
  readonly time: Date;
  readonly authority: KnownKey;
  /** When an algorithm of the token ends to be acceptable, in milliseconds since 1970. */
  readonly algorithmsUntil: number;
}

/** A document timestamp and what it proves. */
export interface ArchiveTime extends ProvenTime {
  /** The revision that it covers, with all before it. */
  readonly revision: number;
}

/** Proof of existence (ETSI EN 319 102-1 §5.6.2.3): of the signature, then of everything again and again. */
export interface ProvenTimes {
  /** By the time-stamp of the signature. */
  readonly signed: ProvenTime | undefined;
  /** By document timestamps, oldest first. */
  readonly archived: readonly ArchiveTime[];
}

interface TokenFault {
  /** What is at fault: the token, or who made it. */
  readonly part: 'token' | 'authority';
  readonly subIndication: SubIndication;
  readonly key: MessageKey;
  readonly values: Readonly<Record<string, string>>;
}

/** How far the clocks of two authorities may differ, in milliseconds. */
const disagreement = 5000;

/** The later of two tokens may be earlier by as much as clocks differ. */
const isBefore = (time: Date, earlier: Date): boolean => time.getTime() < earlier.getTime() - disagreement;

/** What a token proves, under an authority that the bundle knows for time-stamps. */
export async function judgeToken(
  token: Uint8Array,
  imprint: (algorithm: DigestName) => Awaitable<Uint8Array>,
  logIndex: number | undefined,
  { trust, now, language }: VerifyContext,
): Promise<ProvenTime | TokenFault> {
  const checked = await checkToken(token, { imprint, parse: trust.parse }, trust.backend);
  if (!checked.valid) {
    const { subIndication, message: detail } = checked;
    return { part: 'token', subIndication, key: 'timestamp.failed', values: { detail } };
  }
  const { certificate, info } = checked;
  const { genTime } = info;
  const values = { name: shownName(certificate), time: sayTime(language, genTime) };
  const fault = (
    part: TokenFault['part'],
    subIndication: SubIndication,
    key: MessageKey,
    detail = '',
  ): TokenFault => ({ part, subIndication, key, values: { ...values, detail } });
  if (genTime.getTime() > now.getTime() + clockSkew)
    return fault('token', 'TIMESTAMP_ORDER_FAILURE', 'timestamp.future');
  if (hasStrangers(checked.signed, trust) || checked.signed.signer.unsigned.signatureTimestamp)
    return fault('authority', 'NO_CERTIFICATE_CHAIN_FOUND', 'timestamp-authority.strange');
  const authority = trust.known('timestamp', certificate.bytes);
  if (!authority) return fault('authority', 'NO_CERTIFICATE_CHAIN_FOUND', 'timestamp-authority.unknown');
  const path = await authority.pathAt(genTime);
  if (!path.ok)
    return fault('authority', 'CHAIN_CONSTRAINTS_FAILURE', 'timestamp-authority.path', path.message);
  const state = keyState(authority.entry, genTime, logIndex);
  if (state !== 'active') return fault('authority', 'REVOKED', `signer.${state}`);
  const algorithmsUntil = acceptableUntilAll(usedInToken(checked), trust.algorithms);
  return { time: genTime, authority, algorithmsUntil };
}

async function checkTimestamp(
  { signed: { signer } }: VerifiedSignedData,
  logIndex: number | undefined,
  list: Checklist,
  context: VerifyContext,
): Promise<ProvenTime | undefined> {
  const { trust } = context;
  const token = signer.unsigned.signatureTimestamp;
  if (!token) {
    list.refused('timestamp', 'SIG_CONSTRAINTS_FAILURE', 'timestamp.missing');
    return undefined;
  }
  const imprint = (algorithm: DigestName) => trust.backend.digest(algorithm, signer.signature);
  const proven = await judgeToken(token, imprint, logIndex, context);
  if ('part' in proven) {
    const { part, subIndication, key, values } = proven;
    list.refused(part === 'token' ? 'timestamp' : 'timestamp-authority', subIndication, key, values);
    return undefined;
  }
  const { time, authority } = proven;
  const values = { name: shownName(authority.certificate), time: sayTime(list.language, time) };
  list.passed('timestamp', 'timestamp.passed', values);
  list.passed('timestamp-authority', 'timestamp-authority.passed', values);
  return proven;
}

/** Every document timestamp must be right: one that is wrong is never passed over. */
async function checkArchive(
  file: PdfFile,
  timestamps: readonly PlacedSignature[],
  logIndex: number | undefined,
  list: Checklist,
  context: VerifyContext,
): Promise<readonly ArchiveTime[]> {
  const archived: ArchiveTime[] = [];
  for (const timestamp of timestamps) {
    const proven: ProvenTime | TokenFault = isLowerCase(file, timestamp)
      ? await judgeToken(timestamp.contents, digestOf(timestamp, context.trust), logIndex, context)
      : {
          part: 'token',
          subIndication: 'FORMAT_FAILURE',
          key: 'timestamp.failed',
          values: { detail: '/Contents' },
        };
    if ('part' in proven) {
      const { subIndication, key, values } = proven;
      const detail = say(list.language, key, values);
      list.refused('archive-timestamp', subIndication, 'archive-timestamp.failed', { detail });
      return archived;
    }
    archived.push({ ...proven, revision: timestamp.revision });
  }
  return archived;
}

/** Each time-stamp must be covered by a later one before its algorithms end to be acceptable, the last one until now. */
function checkOrder(
  list: Checklist,
  { cms, signed, archived }: ProvenTimes & { readonly cms: VerifiedSignedData },
  { now, trust }: VerifyContext,
): boolean {
  const signatureUntil = acceptableUntilAll(usedAlgorithms(cms), trust.algorithms);
  const chain = [
    { id: 'signature-value', time: undefined, until: signatureUntil } as const,
    ...(signed ? [{ id: 'timestamp', time: signed.time, until: signed.algorithmsUntil } as const] : []),
    ...archived.map(
      ({ time, algorithmsUntil }) => ({ id: 'archive-timestamp', time, until: algorithmsUntil }) as const,
    ),
  ];
  for (const [at, { id, time, until }] of chain.entries()) {
    const next = chain[at + 1];
    const control = next?.time ?? now;
    if (control.getTime() >= until) {
      refuseAlgorithms(list, id === 'signature-value' ? 'signature' : 'timestamp', control);
      return false;
    }
    if (time && next?.time && isBefore(next.time, time)) {
      const values = { time: sayTime(list.language, time) };
      list.refused(next.id, 'TIMESTAMP_ORDER_FAILURE', 'archive-timestamp.order', values);
      return false;
    }
  }
  return true;
}

/** All that proves when the document existed (ETSI EN 319 102-1 §5.5 and §5.6). */
export async function checkTimes(
  file: PdfFile,
  cms: VerifiedSignedData,
  timestamps: readonly PlacedSignature[],
  logIndex: number | undefined,
  list: Checklist,
  context: VerifyContext,
): Promise<ProvenTimes> {
  const signed = await checkTimestamp(cms, logIndex, list, context);
  const archived = await checkArchive(file, timestamps, logIndex, list, context);
  const inOrder = checkOrder(list, { cms, signed, archived }, context);
  const [first, last] = [archived[0], archived.at(-1)];
  if (inOrder && first && last && archived.length === timestamps.length)
    list.passed('archive-timestamp', 'archive-timestamp.passed', {
      count: archived.length,
      first: sayTime(list.language, first.time),
      time: sayTime(list.language, last.time),
      name: shownName(last.authority.certificate),
    });
  return { signed, archived };
}
