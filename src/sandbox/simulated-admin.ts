// The simulated admin: what the doctor and the marketplace's staff change about an address.
import { z } from 'zod';
import type { AddressRef } from './address.js';
import { parseInput, SandboxInputError } from './input.js';
import {
  type AddressCalendar,
  assignAddress,
  type CommercialType,
  changeServices,
  type NotifyOptions,
  type ServiceChanges,
  setCommercialType,
  unassignAddress,
} from './market/addresses.js';
import type { Market } from './market/market.js';
import { SandboxRefusedError } from './refused.js';
import { type Cutting, cuttingSchema, type Service, serviceSchema } from './seed.js';

export class SimulatedAdmin {
  readonly #market: Market;
  readonly #now: () => number;

  constructor(market: Market, now: () => number) {
    this.#market = market;
    this.#now = now;
  }

  setServices(ref: AddressRef, services: readonly Service[], options?: NotifyOptions): ServiceChanges {
    const parsed = parseInput(z.array(serviceSchema), services, 'services');
    return changeServices(this.#market, this.#resolve(ref), parsed, 'doctor', this.#now(), options);
  }

  setCommercialType(ref: AddressRef, type: CommercialType): void {
    assertChanged(
      'setCommercialType',
      setCommercialType(this.#market, this.#resolve(ref), type, this.#now()),
    );
  }

  setCutting(ref: AddressRef, cutting: Cutting): void {
    this.#resolve(ref).address.cutting = parseInput(cuttingSchema, cutting, 'cutting');
  }

  assignAddress(ref: AddressRef, options?: NotifyOptions): void {
    assertChanged('assignAddress', assignAddress(this.#market, this.#resolve(ref), this.#now(), options));
  }

  unassignAddress(ref: AddressRef, options?: NotifyOptions): void {
    assertChanged('unassignAddress', unassignAddress(this.#market, this.#resolve(ref), this.#now(), options));
  }

  #resolve(ref: AddressRef): AddressCalendar {
    const address = this.#market.directory.resolve(ref)?.address;
    const calendar = this.#market.resolveCalendar(ref);
    if (address === undefined || calendar === undefined) {
      throw new SandboxInputError('address', 'does not exist in the estate');
    }
    return { address, calendar };
  }
}

function assertChanged(what: string, changed: boolean): void {
  if (!changed) throw new SandboxRefusedError(what, 'same');
}
