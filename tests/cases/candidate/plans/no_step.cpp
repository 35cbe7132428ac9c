//: expect 4:4 key no [[step]]
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
/// */
extern "C" void k();
