import type { Actor as Role } from '../procedures/definition.ts';

/** Who acts. An agent of a small post has several roles. */
export type Actor =
  | { readonly kind: 'citizen' }
  | { readonly kind: 'system' }
  | { readonly kind: 'agent'; readonly name: string; readonly roles: readonly Role[] };

export function rolesOf(actor: Actor): readonly Role[] {
  return actor.kind === 'agent' ? actor.roles : [actor.kind];
}

/** As timeline and journal name the actor. */
export function actorName(actor: Actor): string {
  return actor.kind === 'agent' ? `agent:${actor.name}` : actor.kind;
}
