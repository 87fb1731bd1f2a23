// The paths of the API's resources, with the API's prefix. Contract: Hosts, Resources.

export const API_PREFIX = '/api/v3/integration';
export const FACILITY = `${API_PREFIX}/facilities/:facilityId`;
export const DOCTOR = `${FACILITY}/doctors/:doctorId`;
export const ADDRESS = `${DOCTOR}/addresses/:addressId`;
