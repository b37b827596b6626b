import { ConsulError } from '../errors.ts';
import type { SealClaims } from '../seal/claims.ts';
import {
  checkStatusListSignature,
  documentStatus,
  readStatusList,
  type StatusList,
  statusListUri,
} from '../seal/status-list.ts';
import { postOf, type VerifyContext } from './context.ts';
import { keyState, type Trust } from './trust.ts';
import { type Checklist, sayTime } from './words.ts';

/** The newest list of a post that its seal key made, or why there is none that can be used. */
interface KnownList {
  readonly list?: StatusList;
  readonly fault?: string;
}

const known = new WeakMap<Trust, Map<string, Promise<KnownList>>>();

function listOf(trust: Trust, post: Trust['bundle']['posts'][number]): Promise<KnownList> {
  let lists = known.get(trust);
  if (!lists) {
    lists = new Map();
    known.set(trust, lists);
  }
  let list = lists.get(post.code);
  if (!list) {
    list = findList(trust, post);
    lists.set(post.code, list);
  }
  return list;
}

async function findList(trust: Trust, { code, host }: Trust['bundle']['posts'][number]): Promise<KnownList> {
  const subject = statusListUri({ host, code });
  let newest: StatusList | undefined;
  let fault: string | undefined;
  for (const bytes of trust.statusLists(code)) {
    try {
      const list = readStatusList(bytes);
      if (list.subject !== subject) continue;
      const wrong = await faultOf(list, code, trust);
      if (wrong !== undefined) fault = wrong;
      else if (!newest || list.issuedAt > newest.issuedAt) newest = list;
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      fault = error.message;
    }
  }
  if (newest) return { list: newest };
  return fault === undefined ? {} : { fault };
}

/** A list counts when a seal key of the very post made it while it was in force. */
async function faultOf(list: StatusList, post: string, trust: Trust): Promise<string | undefined> {
  const key = list.kid && (await trust.sealKey(list.kid));
  if (!key || key.entry.post !== post) return 'its key is not one of the post';
  if (!(await checkStatusListSignature(list, key.publicKey))) return 'its signature is wrong';
  const issuedAt = new Date(list.issuedAt * 1000);
  const path = await key.pathAt(issuedAt);
  if (!path.ok) return path.message;
  const state = keyState(key.entry, issuedAt, undefined);
  return state === 'active' ? undefined : `its key is ${state}`;
}

/**
 * Whether the document was revoked, by the newest list that is at hand: the bundle's copy, or a fresh one that was
 * handed in. Offline the age of the list is said plainly; a revocation is for good.
 */
export async function checkStatus(
  list: Checklist,
  claims: SealClaims,
  { trust, now }: VerifyContext,
): Promise<void> {
  const { statusIndex } = claims.document;
  const post = postOf(claims, trust);
  if (statusIndex === undefined || !post) return;
  const found = await listOf(trust, post);
  if (!found.list) {
    if (found.fault === undefined) list.notChecked('status', 'status.none');
    else list.refused('status', 'TRY_LATER', 'status.broken', { detail: found.fault });
    return;
  }
  const status = documentStatus(found.list, { statusIndex, issuedAt: claims.issuedAt }, now);
  const values = { asOf: sayTime(list.language, new Date(status.asOf * 1000)) };
  switch (status.status) {
    case 'valid':
      list.passed('status', status.copy === 'fresh' ? 'status.valid' : 'status.aged', values);
      return;
    case 'revoked':
      list.refused('status', 'REVOKED', 'status.revoked', values);
      return;
    case 'suspended':
      list.refused('status', 'TRY_LATER', 'status.suspended', values);
      return;
    case 'unknown':
      if (status.why === 'newer') list.notChecked('status', 'status.newer', values);
      else
        list.refused(
          'status',
          'TRY_LATER',
          status.why === 'foreign' ? 'status.absent' : `status.${status.why}`,
          values,
        );
  }
}
