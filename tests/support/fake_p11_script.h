#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hubseal::test {

/// What fake_p11.so does wrong, one directive a line; # starts a comment. Numbers may be hexadecimal.
///   fail C_Sign 3 0x30        the third call from now on gives CKR_DEVICE_ERROR ("3+": and all later; "3-5": until
///                             the fifth; "*": every one)
///   slow C_Sign * 200         every call takes 200 ms longer
///   hold C_Sign 1             the first call does not begin until there is another script
///   flip C_Sign 1             one bit of the first signature is wrong
///   curve C_GenerateKeyPair 1 384
///                             the first pair is made on this curve (384: P-384), whatever was asked for
///   length C_Sign * 8         the signature is claimed to be 8 bytes longer (or shorter) than it is; the same of each
///                             attribute with C_GetAttributeValue
///   claim C_FindObjects 1 300 there are claimed to be 300, whatever there is; mechanisms of C_GetMechanismList, slots
///                             of C_GetSlotList, and bytes of C_GetAttributeValue (-1: CK_UNAVAILABLE_INFORMATION)
///   absent                    no slot has a token; sessions give CKR_DEVICE_REMOVED
///   dead 0x30                 every session gives this code until the module is initialised anew
///   flags 0x20000             these flags of the token are set as well
///   attribute 0x162 1         this attribute of every object is CK_TRUE
///   hide 0x1                  this mechanism is not offered
///   serial 0123456789abcdef   the token has this serial number
///   manufacturer other        the token says that this is who made it
///   renumber 77               slots have other numbers, derived from this one
struct FakeScript {
  struct Fault {
    std::string verb;  ///< fail, slow, hold, flip, curve, length, claim
    std::string function;
    unsigned long first = 1;
    unsigned long last = 1;
    long value = 0;
  };
  std::vector<Fault> faults;
  bool absent = false;
  std::optional<unsigned long> dead;
  unsigned long flags = 0;
  std::map<unsigned long, bool> attributes;
  std::set<unsigned long> hidden;
  std::string serial;
  std::string manufacturer;
  unsigned long renumber = 0;

  /// Ends the process on a directive that it does not know, one that is not whole, and a function that no module
  /// has: a test with a typo must not pass.
  static FakeScript parse(std::string_view text);

  /// The value of the first such fault that applies to the `call`th call.
  std::optional<long> fault(std::string_view verb, std::string_view function, unsigned long call) const;
};

}  // namespace hubseal::test
