#include "baton/supervisor/supervisor.h"

#include <stdexcept>

#include "supervisor/driver.h"

namespace baton::supervisor {

Supervisor::Supervisor(Process& process, Options options)
    : driver_(std::make_shared<Driver>(process, std::move(options))) {}

Supervisor::~Supervisor() { driver_->abandon(); }

void Supervisor::start() { driver_->start(); }
void Supervisor::reload() { driver_->reload(); }
void Supervisor::scale(int by) { driver_->scale(by); }
void Supervisor::scale_to(unsigned workers) {
  if (workers == 0) throw std::invalid_argument("a supervisor of 0 workers");
  driver_->scale_to(workers);
}
void Supervisor::replace(unsigned slot) { driver_->replace(slot); }
void Supervisor::stop() { driver_->stop(); }
void Supervisor::kill() { driver_->kill(); }

void Supervisor::on_event(Handler<const Event&> callback) { driver_->on_event.set(std::move(callback)); }
void Supervisor::on_output(Handler<const OutputLine&> callback) {
  driver_->on_output.set(std::move(callback));
}
void Supervisor::on_end(Handler<const End&> callback) { driver_->on_end.set(std::move(callback)); }

void Supervisor::pause_output() { driver_->pause_output(); }
void Supervisor::resume_output() { driver_->resume_output(); }
Snapshot Supervisor::snapshot() const { return driver_->snapshot(); }
Op<std::vector<Usage>> Supervisor::usage() { return driver_->usage(); }

}  // namespace baton::supervisor
