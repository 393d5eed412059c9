/// The operations of docs/PROTOCOL.md, one source file each. Which socket and which permission opens
/// them stands in the table of daemon/dispatch.cpp.
#pragma once

#include "common/fields.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::daemon {
struct Call;
}

namespace hubseal::daemon::ops {

Result<Json> health(Call& call, Fields fields);
Result<Json> version(Call& call, Fields fields);
Result<Json> list_keys(Call& call, Fields fields);
Result<Json> get_public_key(Call& call, Fields fields);
Result<Json> create_key(Call& call, Fields fields);
Result<Json> check_ca(Call& call, Fields fields);
Result<Json> create_ca(Call& call, Fields fields);
Result<Json> get_ca(Call& call, Fields fields);
Result<Json> issue_certificate(Call& call, Fields fields);
Result<Json> get_certificate(Call& call, Fields fields);
Result<Json> list_certificates(Call& call, Fields fields);
Result<Json> create_csr(Call& call, Fields fields);
Result<Json> csr_for_key(Call& call, Fields fields);
Result<Json> get_jwks(Call& call, Fields fields);
Result<Json> sign_fspiop(Call& call, Fields fields);
Result<Json> sign_jws(Call& call, Fields fields);
Result<Json> sign_tls(Call& call, Fields fields);
Result<Json> list_tls_keys(Call& call, Fields fields);
Result<Json> set_subject(Call& call, Fields fields);
Result<Json> get_subject(Call& call, Fields fields);
Result<Json> list_subjects(Call& call, Fields fields);
Result<Json> load_policy(Call& call, Fields fields);
Result<Json> get_policy(Call& call, Fields fields);
Result<Json> list_policies(Call& call, Fields fields);
Result<Json> list_approvals(Call& call, Fields fields);
Result<Json> add_cosignature(Call& call, Fields fields);
Result<Json> suspend_subject(Call& call, Fields fields);
Result<Json> resume_subject(Call& call, Fields fields);
Result<Json> off_board_subject(Call& call, Fields fields);
Result<Json> revoke_certificate(Call& call, Fields fields);
Result<Json> release_certificate(Call& call, Fields fields);
Result<Json> get_crl(Call& call, Fields fields);
Result<Json> get_ocsp(Call& call, Fields fields);
Result<Json> get_checkpoint(Call& call, Fields fields);
Result<Json> prove_record(Call& call, Fields fields);
Result<Json> prove_consistency(Call& call, Fields fields);
Result<Json> list_records(Call& call, Fields fields);
Result<Json> get_approval(Call& call, Fields fields);
Result<Json> approve(Call& call, Fields fields);
Result<Json> submit_approval(Call& call, Fields fields);
Result<Json> add_approver(Call& call, Fields fields);
Result<Json> remove_approver(Call& call, Fields fields);
Result<Json> list_approvers(Call& call, Fields fields);
Result<Json> activate_key(Call& call, Fields fields);
Result<Json> suspend_key(Call& call, Fields fields);
Result<Json> deactivate_key(Call& call, Fields fields);
Result<Json> destroy_key(Call& call, Fields fields);
Result<Json> keep_key(Call& call, Fields fields);
Result<Json> confirm_backup(Call& call, Fields fields);
Result<Json> rotate_jws_key(Call& call, Fields fields);
Result<Json> advance_rotation(Call& call, Fields fields);
Result<Json> cancel_rotation(Call& call, Fields fields);
Result<Json> list_rotations(Call& call, Fields fields);
Result<Json> install_ca(Call& call, Fields fields);
Result<Json> import_ca(Call& call, Fields fields);
Result<Json> cross_certify(Call& call, Fields fields);
Result<Json> retire_ca(Call& call, Fields fields);
Result<Json> get_trust_bundle(Call& call, Fields fields);
Result<Json> seal(Call& call, Fields fields);
Result<Json> unseal(Call& call, Fields fields);

}  // namespace hubseal::daemon::ops
