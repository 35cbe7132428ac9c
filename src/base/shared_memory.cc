#include "base/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace kerf {

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : fd_(std::move(other.fd_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<SharedMemory> SharedMemory::create(const std::string& name, std::size_t bytes) {
  Fd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return system_error("cannot create shared memory", errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return system_error("cannot size shared memory", errno);
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return system_error("cannot seal shared memory", errno);
  return map(std::move(fd), true);
}

Result<SharedMemory> SharedMemory::map(Fd fd, bool writable) {
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return system_error("cannot look at shared memory", errno);
  SharedMemory memory;
  memory.size_ = static_cast<std::size_t>(status.st_size);
  if (memory.size_ > 0) {
    void* at = ::mmap(nullptr, memory.size_, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd.get(), 0);
    if (at == MAP_FAILED) return system_error("cannot map shared memory", errno);
    memory.data_ = static_cast<std::byte*>(at);
  }
  memory.fd_ = std::move(fd);
  return memory;
}

Result<Fd> SharedMemory::read_only() const {
  // Opened anew, so that the open file itself, not only this descriptor, is read-only: mmap(PROT_WRITE, MAP_SHARED)
  // fails.
  Fd fd(::open(("/proc/self/fd/" + std::to_string(fd_.get())).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error("cannot open shared memory read-only", errno);
  return fd;
}

}  // namespace kerf
