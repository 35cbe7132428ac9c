// batch:PROVIDER/MODEL and batch-files:PROVIDER/MODEL: requests are gathered into files in a folder; answers are read
// from files in that folder, whoever puts them there. batch: is the courier between the folder and the provider as
// well. All that is known lies in the folder, so that a process may end and another go on: a request that was written
// once is never written again, an answer that is there is taken without asking anybody.
//
//   requests-0001.jsonl    what one batch asks
//   requests-0001.sending  its upload was begun
//   requests-0001.sent     the provider's name for the batch
//   answers-….jsonl        answers, in any order and of any batch
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "synthesize/model/batch_dialect.h"
#include "synthesize/model/http_model.h"

namespace kerf {

// `courier`: upload and fetch. `user` error for a folder whose state must be settled by hand first.
[[nodiscard]] Result<std::unique_ptr<Model>> make_batch_model(HttpModelSetup setup, std::unique_ptr<BatchDialect> batch,
                                                              bool courier, ModelParts parts,
                                                              const ModelOptions& options);

}  // namespace kerf
