// What bind() works with; see bind.h. One object binds one plan once.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "candidate/bind.h"
#include "candidate/expression.h"
#include "candidate/schema.h"

namespace kerf {

class Binder {
 public:
  Binder(const BindRequest& request, Machine& machine);
  [[nodiscard]] Result<Program> run();

 private:
  static constexpr const char* prepare_rule =
      "a prepare step may use parameters and what prepare steps give, neither an input's values nor its shape";

  enum class NameKind : std::uint8_t { input, parameter, init, output, scratch, result, counter, axis, threads };
  struct Name {
    NameKind kind = NameKind::init;
    TensorId tensor = no_tensor;  // what it stands for now
    int index = 0;                // scratch: of Plan::scratch
    bool prepared = false;        // result: of a prepare step
    bool from_input = false;      // counter, scratch: its count or shape depends on an input or output
  };
  // Memory that tensors share.
  struct Storage {
    bool read_only = false;           // given by the workload
    bool prepared = false;            // written by prepare steps
    std::optional<Location> written;  // by a step that is no prepare step
  };

  // binder.cc: names, loops, scratch, what is left to do at the end
  Result<> add_names();
  Result<> give(std::string_view name, Location at, NameKind kind, int index = 0);
  int add_name(std::string_view name, NameKind kind, TensorId tensor, Meaning meaning);
  Result<> check_outputs_are_named() const;
  Result<> parse_all();
  Result<> walk();
  Result<> walk_loop(std::size_t first, std::size_t end);
  Result<> step(std::size_t i);
  Result<> allocate_ready();
  Result<bool> allocate(int name);
  Result<> check_all_allocated() const;
  void finish();
  [[nodiscard]] bool left_to_views(TensorId id, std::size_t step, const std::vector<std::size_t>& last) const;

  // binder.cc: shared by launches and calls
  Result<const Expression*> expression(const Located& text);
  Result<Evaluated> evaluate(const PlanArgument& argument, const Step& step);
  Result<Evaluated> evaluate(const Located& text, const Step& step);
  Result<std::optional<std::int64_t>> integer(const PlanArgument& argument, const Step& step, std::string_view what);
  [[nodiscard]] std::optional<int> tensor_name(std::string_view text) const;  // a name that stands for a tensor
  Result<TensorId> use_tensor(int name, Location at, const Step& step);
  Result<> may_use(int name, Location at, const Step& step) const;
  [[nodiscard]] bool depends_on_input(const Expression& expression) const;
  TensorId add_tensor(BoundTensor tensor);
  void set_tensor(int name, TensorId tensor);
  [[nodiscard]] Storage& storage(TensorId tensor);
  [[nodiscard]] const BoundTensor& tensor(TensorId id) const { return program_.tensors[static_cast<std::size_t>(id)]; }
  // Whether `step` may write the tensor now, and if so, that it does.
  [[nodiscard]] bool writable(TensorId tensor, const Step& step);
  void note_write(TensorId tensor, const Step& step);
  void push(BoundStep step);

  // binder_launch.cc
  Result<> launch(std::size_t i);
  Result<std::optional<BoundBlock>> block(const Step& step, bool& unknown);
  Result<std::optional<BoundPrograms>> programs(const Step& step, bool& unknown);
  Result<BoundArgument> launch_argument(const PlanArgument& argument, const Step& step, bool& unknown);
  Result<BoundArgument> tensor_map(const PlanArgumentTable& table, Location at, const Step& step, bool& unknown);
  Result<> check_strides(const Step& step, const BoundLaunch& launch);
  Result<> check_prototype(const Step& step, const BoundLaunch& launch, const std::vector<std::string>& prototype);
  [[nodiscard]] std::string type_of(const BoundArgument& argument, const Step& step);

  // binder_call.cc
  Result<> call(std::size_t i);
  Result<const std::vector<Schema>*> schemas(const Step& step, const std::string& op);
  Result<> blind_call(const Step& step, BoundStep bound);
  Result<> blind_argument(const PlanArgument& argument, const Step& step);
  Result<const Schema*> choose(const Step& step, const BoundCall& call, const std::vector<Schema>& overloads) const;
  Result<> check_written(TensorId tensor, Location at, const SchemaArgument& wanted, const Step& step);
  Result<> check_count(const Step& step, std::size_t results) const;
  Result<BoundOut> bind_out(const Step& step, std::size_t i, const CallResult* result);
  [[nodiscard]] std::optional<std::string> out_overload(const BoundCall& call, const Schema& schema,
                                                        const std::vector<Schema>& overloads);

  // binder_values.cc
  Result<std::vector<CallValue>> arguments(const Step& step, const Schema& schema, bool& unknown);
  Result<CallValue> value(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step, bool& unknown);
  Result<CallValue> tensor_value(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step,
                                 bool& unknown);
  Result<CallValue> tensor_list(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step);
  Result<CallValue> number_value(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step,
                                 bool& unknown);
  Result<CallValue> dtype_value(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step,
                                bool& unknown);

  const BindRequest& request_;
  const Plan& plan_;
  const Workload& workload_;
  Machine& machine_;
  Program program_;
  Names names_;
  Scope scope_;
  std::vector<Name> meanings_;      // by index of the name
  std::vector<int> scratch_names_;  // by index of the scratch tensor
  std::deque<TensorSpec> specs_;    // what scope_ points to
  std::vector<Storage> storages_;
  std::unordered_map<const Located*, Expression> expressions_;
  std::map<std::string, std::vector<Schema>> schemas_;
  std::int64_t scratch_bytes_ = 0;
};

[[nodiscard]] std::string operator_name(std::string_view op, std::string_view overload);  // "aten.sum.dim_IntList"

}  // namespace kerf
